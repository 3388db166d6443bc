// Builds a ConvolutionKernels table for the instruction set of the including file.
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_BLOCKS_H

#include "../simd.h"
#include "convolution_kernels.h"
#include "convolution_lanes_blocks.h"
#include "pooling_blocks.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

// Register tiles: channels x vectors of positions.
inline constexpr int kFewChannels = 6;  // of a tile that has a fourth vector (AVX-512)

TENON_CPU_INLINE void copy_run(float* to, const float* from, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(from + i));
  if (i < n)
    store_part(to + i, load_part(from + i, static_cast<int>(n - i)), static_cast<int>(n - i));
}

TENON_CPU_INLINE void zero_run(float* to, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, Float{});
  if (i < n) store_part(to + i, Float{}, static_cast<int>(n - i));
}

// Column phase `phase` of one input row.
inline void fill_slab_row(const SlabPlan& p, const float* row, int64_t phase, float* to) {
  const auto column = [&](int64_t q) { return q * p.step_w + phase - p.pad_w; };
  int64_t q = 0;
  while (q < p.pitch && column(q) < 0) ++q;
  int64_t end = q;
  if (p.step_w == 1) {
    end = p.width - column(0);
    end = end < q ? q : end > p.pitch ? p.pitch : end;
  } else {
    while (end < p.pitch && column(end) < p.width) ++end;
  }
  zero_run(to, q);
  zero_run(to + end, p.pitch - end);
  if (p.step_w == 1) {
    copy_run(to + q, row + column(q), end - q);
  } else {
    for (; q < end; ++q) to[q] = row[column(q)];
  }
}

inline void fill_slab(const SlabPlan& p, const float* in, int64_t first_row, int64_t rows,
                      float* slab) {
  const int64_t used = rows - 1 + (p.phase_h - p.tile_rows + 1);
  for (int64_t c = 0; c < p.channels; ++c) {
    for (int64_t i = 0; i < p.step_h; ++i) {
      for (int64_t q = 0; q < used; ++q) {
        const int64_t h = (first_row + q) * p.step_h + i - p.pad_h;
        for (int64_t j = 0; j < p.step_w; ++j) {
          float* to = slab + c * p.channel_stride + ((i * p.step_w + j) * p.phase_h + q) * p.pitch;
          if (h < 0 || h >= p.height) {
            zero_run(to, p.pitch);
          } else {
            fill_slab_row(p, in + (c * p.height + h) * p.width, j, to);
          }
        }
      }
    }
  }
}

// ---- forward ----

template <int kChannels, int kVectors>
void forward_block(const ForwardTile& t, const float* x, const float* w, const float* bias,
                   float* result) {
  Float sums[kChannels][kVectors];
  for (int i = 0; i < kChannels; ++i) {
    const Float start = splat(bias == nullptr ? 0.0f : bias[i]);
    for (int v = 0; v < kVectors; ++v) sums[i][v] = start;
  }
  const int64_t taps = t.plan->taps;
  for (int64_t c = 0; c < t.plan->channels; ++c, x += t.plan->channel_stride) {
    for (int64_t k = 0; k < taps; ++k, w += kChannelBlock) {
      const float* at = x + t.offsets[k];
      Float in[kVectors];
      for (int v = 0; v < kVectors; ++v) in[v] = load(at + v * kLanes);
      for (int i = 0; i < kChannels; ++i) {
        const Float weight = splat(w[i]);
        for (int v = 0; v < kVectors; ++v) sums[i][v] = multiply_add(weight, in[v], sums[i][v]);
      }
    }
  }
  for (int i = 0; i < kChannels; ++i) {
    for (int v = 0; v < kVectors; ++v) store(result + (i * kVectors + v) * kLanes, sums[i][v]);
  }
}

// Positions [p, p + count) of kChannels channels go to the output; those beyond a row are dropped.
TENON_CPU_INLINE void write_positions(const ForwardTile& t, int channels, int64_t p, int64_t count,
                                      const float* result, float* out) {
  const int64_t pitch = t.plan->pitch;
  const int64_t end = p + count;
  int64_t at = p;
  int64_t row = p / pitch;
  int64_t column = p - row * pitch;
  while (at < end && row < t.rows) {
    int64_t run = t.plan->grid_w - column;
    run = run < end - at ? run : end - at;
    if (run > 0) {
      float* to = out + row * t.out_row + column * t.out_column;
      const float* from = result + (at - p);
      for (int i = 0; i < channels; ++i, to += t.out_channel, from += count) {
        if (t.out_column == 1) {
          copy_run(to, from, run);
        } else {
          for (int64_t j = 0; j < run; ++j) to[j * t.out_column] = from[j];
        }
      }
    }
    at += pitch - column;
    column = 0;
    ++row;
  }
}

template <int kChannels>
void forward_channels(const ForwardTile& t, const float* w, const float* bias, float* out) {
  constexpr int kVectors = kVectorBytes == 64 ? (kChannels <= kFewChannels ? 4 : 3) : 3;
  constexpr int64_t kPositions = kVectors * kLanes;
  alignas(64) float result[kChannels * kPositions];
  const int64_t positions = (t.rows - 1) * t.plan->pitch + t.plan->grid_w;
  int64_t p = 0;
  for (; p + (kVectors - 1) * kLanes < positions; p += kPositions) {
    forward_block<kChannels, kVectors>(t, t.slab + p, w, bias, result);
    write_positions(t, kChannels, p, kPositions, result, out);
  }
  for (; p < positions; p += kLanes) {
    forward_block<kChannels, 1>(t, t.slab + p, w, bias, result);
    write_positions(t, kChannels, p, kLanes, result, out);
  }
}

template <int... kChannels>
TENON_CPU_INLINE void choose_channels(int channels, const ForwardTile& t, const float* w,
                                      const float* bias, float* out) {
  ((channels == kChannels ? forward_channels<kChannels>(t, w, bias, out) : void()), ...);
}

inline void forward(const ForwardTile& t) {
  const int64_t block_floats = t.plan->channels * t.plan->taps * kChannelBlock;
  for (int64_t o = 0; o < t.outputs; o += kChannelBlock) {
    const int channels =
        static_cast<int>(t.outputs - o < kChannelBlock ? t.outputs - o : kChannelBlock);
    const float* w = t.weights + o / kChannelBlock * block_floats;
    const float* bias = t.bias == nullptr ? nullptr : t.bias + o;
    float* out = t.out + o * t.out_channel;
    if constexpr (kChannelBlock == 8) {
      choose_channels<1, 2, 3, 4, 5, 6, 7, 8>(channels, t, w, bias, out);
    } else {
      choose_channels<1, 2, 3, 4>(channels, t, w, bias, out);
    }
  }
}

// ---- weight gradient, vectors of positions (few output channels) ----

template <int kOutputs, int kTaps>
void weight_pixels_tile(const float* dy, int64_t dy_stride, const float* x, const int32_t* offsets,
                        int64_t positions, float* sums, int64_t sums_row) {
  Float acc[kOutputs][kTaps] = {};
  const auto step = [&](int64_t p, auto read) {
    Float d[kOutputs];
    for (int i = 0; i < kOutputs; ++i) d[i] = read(dy + i * dy_stride + p);
    for (int k = 0; k < kTaps; ++k) {
      const Float in = read(x + offsets[k] + p);
      for (int i = 0; i < kOutputs; ++i) acc[i][k] = multiply_add(d[i], in, acc[i][k]);
    }
  };
  int64_t p = 0;
  for (; p + kLanes <= positions; p += kLanes) {
    step(p, [](const float* from) { return load(from); });
  }
  // What lies behind the slab is not initialised: it must not be multiplied, even by 0.
  const int rest = static_cast<int>(positions - p);
  if (rest != 0) step(p, [rest](const float* from) { return load_part(from, rest); });
  for (int i = 0; i < kOutputs; ++i) {
    for (int k = 0; k < kTaps; ++k) sums[i * sums_row + k] += sum_lanes(acc[i][k]);
  }
}

template <int kOutputs>
void weight_pixels_rows(const WeightTile& t, int64_t o, int64_t positions, int64_t stride) {
  constexpr int kTaps = kVectorBytes == 64 ? 5 : 3;
  const float* dy = t.packed_dy + o * stride;
  float* sums = t.sums + o * t.sums_row;
  for (int64_t c = 0; c < t.plan->channels; ++c) {
    const float* x = t.slab + c * t.plan->channel_stride;
    float* to = sums + c * t.plan->taps;
    int64_t k = 0;
    for (; k + kTaps <= t.plan->taps; k += kTaps) {
      weight_pixels_tile<kOutputs, kTaps>(dy, stride, x, t.offsets + k, positions, to + k,
                                          t.sums_row);
    }
    for (; k < t.plan->taps; ++k) {
      weight_pixels_tile<kOutputs, 1>(dy, stride, x, t.offsets + k, positions, to + k, t.sums_row);
    }
  }
}

inline void weight_by_pixels(const WeightTile& t) {
  const SlabPlan& p = *t.plan;
  const int64_t positions = (t.rows - 1) * p.pitch + p.grid_w;
  const int64_t stride = (positions + kLanes - 1) / kLanes * kLanes;
  for (int64_t o = 0; o < t.outputs; ++o) {
    float* to = t.packed_dy + o * stride;
    zero_run(to, stride);
    for (int64_t r = 0; r < t.rows; ++r) {
      copy_run(to + r * p.pitch, t.dy + o * t.dy_channel + r * p.grid_w, p.grid_w);
    }
  }
  constexpr int kOutputs = kVectorBytes == 64 ? 4 : 3;
  int64_t o = 0;
  for (; o + kOutputs <= t.outputs; o += kOutputs) {
    weight_pixels_rows<kOutputs>(t, o, positions, stride);
  }
  for (; o + 2 <= t.outputs; o += 2) weight_pixels_rows<2>(t, o, positions, stride);
  for (; o < t.outputs; ++o) weight_pixels_rows<1>(t, o, positions, stride);
}

// ---- weight gradient, vectors of output channels ----

template <int kTaps, int kVectors>
void weight_channels_tile(const WeightTile& t, const float* dy, int64_t dy_stride, const float* x,
                          const int32_t* offsets, float* sums) {
  Float acc[kTaps][kVectors];
  for (int k = 0; k < kTaps; ++k) {
    for (int v = 0; v < kVectors; ++v) acc[k][v] = load(sums + k * t.sums_row + v * kLanes);
  }
  for (int64_t r = 0; r < t.rows; ++r) {
    const float* row = x + r * t.plan->pitch;
    for (int64_t w = 0; w < t.plan->grid_w; ++w, dy += dy_stride) {
      Float d[kVectors];
      for (int v = 0; v < kVectors; ++v) d[v] = load(dy + v * kLanes);
      for (int k = 0; k < kTaps; ++k) {
        const Float in = splat(row[offsets[k] + w]);
        for (int v = 0; v < kVectors; ++v) acc[k][v] = multiply_add(in, d[v], acc[k][v]);
      }
    }
  }
  for (int k = 0; k < kTaps; ++k) {
    for (int v = 0; v < kVectors; ++v) store(sums + k * t.sums_row + v * kLanes, acc[k][v]);
  }
}

template <int kVectors>
void weight_channels_columns(const WeightTile& t, int64_t o, int64_t dy_stride) {
  constexpr int kTaps = kVectorBytes == 64 ? (kVectors == 2 ? 9 : 13) : (kVectors == 2 ? 5 : 9);
  for (int64_t c = 0; c < t.plan->channels; ++c) {
    const float* x = t.slab + c * t.plan->channel_stride;
    float* sums = t.sums + c * t.plan->taps * t.sums_row + o;
    int64_t k = 0;
    for (; k + kTaps <= t.plan->taps; k += kTaps) {
      weight_channels_tile<kTaps, kVectors>(t, t.packed_dy + o, dy_stride, x, t.offsets + k,
                                            sums + k * t.sums_row);
    }
    for (; k + 4 <= t.plan->taps; k += 4) {
      weight_channels_tile<4, kVectors>(t, t.packed_dy + o, dy_stride, x, t.offsets + k,
                                        sums + k * t.sums_row);
    }
    for (; k < t.plan->taps; ++k) {
      weight_channels_tile<1, kVectors>(t, t.packed_dy + o, dy_stride, x, t.offsets + k,
                                        sums + k * t.sums_row);
    }
  }
}

// packed_dy[position][channel] of kLanes channels from `c` on.
inline void pack_channels(const WeightTile& t, int64_t c, int64_t positions) {
  for (int64_t p = 0; p < positions; p += kLanes) {
    const int n = static_cast<int>(positions - p < kLanes ? positions - p : kLanes);
    Float rows[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      const float* from = t.dy + (c + i) * t.dy_channel + p;
      rows[i] = c + i >= t.outputs ? Float{} : n == kLanes ? load(from) : load_part(from, n);
    }
    transpose(rows);
    for (int i = 0; i < kLanes; ++i) {
      if (i < n) store(t.packed_dy + (p + i) * t.sums_row + c, rows[i]);
    }
  }
}

inline void weight_by_channels(const WeightTile& t) {
  const int64_t positions = t.rows * t.plan->grid_w;
  const int64_t stride = t.sums_row;  // output channels, padded to whole vectors
  for (int64_t c = 0; c < stride; c += kLanes) pack_channels(t, c, positions);
  int64_t o = 0;
  for (; o + 2 * kLanes <= stride; o += 2 * kLanes) weight_channels_columns<2>(t, o, stride);
  for (; o < stride; o += kLanes) weight_channels_columns<1>(t, o, stride);
}

inline constexpr ConvolutionKernels kConvolutionKernels = {
    kChannelBlock,     kLanes,
    &fill_slab,        &forward,
    &weight_by_pixels, &weight_by_channels,
    &fill_lanes,       &forward_lanes,
    &weight_lanes,     &sum_weight_lanes,
    &max_pool_2x2,     &max_pool_2x2_grad,
};

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
