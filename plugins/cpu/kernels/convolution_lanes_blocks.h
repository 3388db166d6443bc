// Convolution with an image per lane; see convolution_kernels.h, note "Lanes".
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_LANES_BLOCKS_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_LANES_BLOCKS_H

#include "../simd.h"
#include "convolution_kernels.h"
#include "lanes_blocks.h"

namespace tenon::cpu::inline TENON_CPU_ISA {

inline constexpr int kChannelBlock = kVectorBytes == 64 ? 8 : 4;

inline void fill_lanes(const LaneInput& in, float* slab) {
  const int64_t last = in.pitch < in.width + in.pad ? in.pitch : in.width + in.pad;
  for (int64_t c = 0; c < in.channels; ++c) {
    float* plane = slab + c * in.rows * in.pitch * kLanes;
    for (int64_t r = 0; r < in.rows && (in.pad > 0 || last < in.pitch); ++r) {
      float* row = plane + r * in.pitch * kLanes;
      for (int64_t q = 0; q < in.pad && q < in.pitch; ++q) store(row + q * kLanes, Float{});
      for (int64_t q = last < 0 ? 0 : last; q < in.pitch; ++q) store(row + q * kLanes, Float{});
    }
    const float* from = in.data + c * in.channel;
    const int64_t count = in.rows * in.width;
    int64_t r = 0;
    int64_t q = in.pad;
    for (int64_t p = 0; p < count; p += kLanes) {
      const int n = static_cast<int>(count - p < kLanes ? count - p : kLanes);
      Float images[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const float* at = from + i * in.image + p;
        images[i] = i >= in.images ? Float{} : n == kLanes ? load(at) : load_part(at, n);
      }
      transpose(images);
      alignas(kVectorBytes) float block[kLanes * kLanes];
      for (int i = 0; i < kLanes; ++i) store(block + i * kLanes, images[i]);
      for (int i = 0; i < n; ++i) {
        if (q >= 0 && q < in.pitch) {
          store(plane + (r * in.pitch + q) * kLanes, load(block + i * kLanes));
        }
        if (++q == in.width + in.pad) {
          q = in.pad;
          ++r;
        }
      }
    }
  }
}

// The taps of one direction that reach the input from any of `count` neighbouring positions.
struct TapRange {
  int64_t begin, end;

  TapRange(const int32_t* taps, int64_t tap_step, int64_t tap_count, int64_t first, int64_t last,
           int64_t size)
      : begin(0), end(tap_count) {
    const auto misses = [&](int64_t k) {
      const int64_t tap = taps[k * tap_step];
      return last + tap < 0 || first + tap >= size;
    };
    while (begin < end && misses(begin)) ++begin;
    while (begin < end && misses(end - 1)) --end;
  }
};

// ---- forward ----

template <int kChannels, int kPositions>
void lane_block(const LaneTile& t, const TapRange& rows, const TapRange& columns, int64_t row,
                int64_t column, const float* w, const float* bias, float* result,
                int64_t result_channel) {
  const SlabPlan& p = *t.plan;
  Float sums[kChannels][kPositions];
  for (int i = 0; i < kChannels; ++i) {
    const Float start = splat(bias == nullptr ? 0.0f : bias[i]);
    for (int v = 0; v < kPositions; ++v) sums[i][v] = start;
  }
  const int64_t step = p.step_w * kLanes;
  const int64_t top = row * p.step_h - p.pad_h - t.slab_row;
  for (int64_t c = 0; c < p.channels; ++c) {
    for (int64_t k = rows.begin; k < rows.end; ++k) {
      const int64_t line = c * t.slab_rows + top + p.tap_h[k * p.tap_columns];
      const float* x = t.slab + (line * t.pitch + column * p.step_w) * kLanes;
      const float* weights = w + (c * p.taps + k * p.tap_columns) * kChannelBlock;
      for (int64_t j = columns.begin; j < columns.end; ++j) {
        const float* at = x + p.tap_w[j] * kLanes;
        Float in[kPositions];
        for (int v = 0; v < kPositions; ++v) in[v] = load(at + v * step);
        for (int i = 0; i < kChannels; ++i) {
          const Float weight = splat(weights[j * kChannelBlock + i]);
          for (int v = 0; v < kPositions; ++v) {
            sums[i][v] = multiply_add(weight, in[v], sums[i][v]);
          }
        }
      }
    }
  }
  for (int i = 0; i < kChannels; ++i) {
    for (int v = 0; v < kPositions; ++v) {
      store(result + i * result_channel + v * kLanes, sums[i][v]);
    }
  }
}

// Columns [column, column + count) of all rows of the tile, kPositions at a time.
template <int kChannels, int kPositions>
int64_t lane_columns(const LaneTile& t, int64_t column, const float* w, const float* bias) {
  const SlabPlan& p = *t.plan;
  for (; column + kPositions <= p.grid_w; column += kPositions) {
    const int64_t first = column * p.step_w - p.pad_w;
    const TapRange columns(p.tap_w, 1, p.tap_columns, first, first + (kPositions - 1) * p.step_w,
                           p.width);
    for (int64_t r = 0; r < t.rows; ++r) {
      const int64_t top = (t.row + r) * p.step_h - p.pad_h;
      const TapRange rows(p.tap_h, p.tap_columns, p.taps / p.tap_columns, top, top, p.height);
      lane_block<kChannels, kPositions>(t, rows, columns, t.row + r, column, w, bias,
                                        t.scratch + (r * p.grid_w + column) * kLanes,
                                        t.rows * p.grid_w * kLanes);
    }
  }
  return column;
}

// One channel of the result, [position][image], to the images.
inline void write_lanes(const LaneTile& t, const float* result, float* out) {
  const int64_t width = t.plan->grid_w;
  const int64_t count = t.rows * width;
  const bool dense = t.out_column == 1 && t.out_row == width;
  for (int64_t p = 0; p < count; p += kLanes) {
    const int n = static_cast<int>(count - p < kLanes ? count - p : kLanes);
    Float rows[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      rows[i] = i < n ? load(result + (p + i) * kLanes) : Float{};
    }
    transpose(rows);
    alignas(kVectorBytes) float block[kLanes * kLanes];
    for (int i = 0; i < kLanes; ++i) store(block + i * kLanes, rows[i]);
    for (int i = 0; i < t.images; ++i) {
      float* to = out + i * t.out_image;
      const float* from = block + i * kLanes;
      if (dense && n == kLanes) {
        store(to + p, load(from));
      } else if (dense) {
        store_part(to + p, load(from), n);
      } else {
        for (int k = 0; k < n; ++k) {
          to[(p + k) / width * t.out_row + (p + k) % width * t.out_column] = from[k];
        }
      }
    }
  }
}

template <int kChannels>
void lane_channels(const LaneTile& t, const float* w, const float* bias, float* out) {
  constexpr int kMost = kVectorBytes == 64 ? (kChannels <= 4 ? 6 : kChannels <= 6 ? 4 : 3) : 3;
  int64_t column = lane_columns<kChannels, kMost>(t, 0, w, bias);
  column = lane_columns<kChannels, 2>(t, column, w, bias);
  lane_columns<kChannels, 1>(t, column, w, bias);
  for (int i = 0; i < kChannels; ++i) {
    write_lanes(t, t.scratch + i * t.rows * t.plan->grid_w * kLanes, out + i * t.out_channel);
  }
}

template <int... kChannels>
TENON_CPU_INLINE void choose_lane_channels(int channels, const LaneTile& t, const float* w,
                                           const float* bias, float* out) {
  ((channels == kChannels ? lane_channels<kChannels>(t, w, bias, out) : void()), ...);
}

inline void forward_lanes(const LaneTile& t) {
  const int64_t block_floats = t.plan->channels * t.plan->taps * kChannelBlock;
  for (int64_t o = 0; o < t.outputs; o += kChannelBlock) {
    const int channels =
        static_cast<int>(t.outputs - o < kChannelBlock ? t.outputs - o : kChannelBlock);
    const float* w = t.weights + o / kChannelBlock * block_floats;
    const float* bias = t.bias == nullptr ? nullptr : t.bias + o;
    float* out = t.out + o * t.out_channel;
    if constexpr (kChannelBlock == 8) {
      choose_lane_channels<1, 2, 3, 4, 5, 6, 7, 8>(channels, t, w, bias, out);
    } else {
      choose_lane_channels<1, 2, 3, 4>(channels, t, w, bias, out);
    }
  }
}

// ---- weight gradient ----

// Sums of kOutputs channels of dy and kTaps neighbouring taps of one row of the kernel.
template <int kOutputs, int kTaps>
void lane_weights(const LaneWeightTile& t, int64_t o, int64_t c, int64_t tap) {
  const SlabPlan& p = *t.plan;
  float* sums = t.sums + o * t.sums_output + (c * p.taps + tap) * kLanes;
  Float acc[kOutputs][kTaps];
  for (int i = 0; i < kOutputs; ++i) {
    for (int k = 0; k < kTaps; ++k) acc[i][k] = load(sums + i * t.sums_output + k * kLanes);
  }
  const int64_t dy_channel = t.rows * p.grid_w * kLanes;
  const int64_t shift = p.tap_h[tap] - p.pad_h;
  for (int64_t r = 0; r < t.rows; ++r) {
    const int64_t line = (t.row + r) * p.step_h + shift;
    if (line < 0 || line >= p.height) continue;
    const float* x = t.slab + (c * t.slab_rows + line - t.slab_row) * t.pitch * kLanes;
    const float* dy = t.dy + o * dy_channel + r * p.grid_w * kLanes;
    const float* at[kTaps];
    for (int k = 0; k < kTaps; ++k) at[k] = x + p.tap_w[tap + k] * kLanes;
    for (int64_t w = 0; w < p.grid_w; ++w) {
      Float in[kTaps];
      for (int k = 0; k < kTaps; ++k) in[k] = load(at[k] + w * p.step_w * kLanes);
      for (int i = 0; i < kOutputs; ++i) {
        const Float d = load(dy + i * dy_channel + w * kLanes);
        for (int k = 0; k < kTaps; ++k) acc[i][k] = multiply_add(d, in[k], acc[i][k]);
      }
    }
  }
  for (int i = 0; i < kOutputs; ++i) {
    for (int k = 0; k < kTaps; ++k) store(sums + i * t.sums_output + k * kLanes, acc[i][k]);
  }
}

template <int kOutputs, int... kTaps>
TENON_CPU_INLINE void choose_lane_taps(int64_t taps, const LaneWeightTile& t, int64_t o, int64_t c,
                                       int64_t tap) {
  ((taps == kTaps ? lane_weights<kOutputs, kTaps>(t, o, c, tap) : void()), ...);
}

template <int kOutputs>
void lane_weight_rows(const LaneWeightTile& t, int64_t o) {
  constexpr int64_t kMost = 5;
  const SlabPlan& p = *t.plan;
  for (int64_t c = 0; c < p.channels; ++c) {
    for (int64_t row = 0; row < p.taps; row += p.tap_columns) {
      for (int64_t j = 0; j < p.tap_columns; j += kMost) {
        const int64_t taps = p.tap_columns - j < kMost ? p.tap_columns - j : kMost;
        choose_lane_taps<kOutputs, 1, 2, 3, 4, 5>(taps, t, o, c, row + j);
      }
    }
  }
}

inline void weight_lanes(const LaneWeightTile& t) {
  constexpr int kOutputs = kVectorBytes == 64 ? 4 : 2;
  int64_t o = 0;
  for (; o + kOutputs <= t.outputs; o += kOutputs) lane_weight_rows<kOutputs>(t, o);
  if (o + 2 <= t.outputs) {
    lane_weight_rows<2>(t, o);
    o += 2;
  }
  for (; o < t.outputs; ++o) lane_weight_rows<1>(t, o);
}

inline void sum_weight_lanes(const float* sums, int64_t chunk, int64_t chunks, int64_t count,
                             float* dw) {
  for (int64_t k = 0; k < count; ++k) {
    Float sum = load(sums + k * kLanes);
    for (int64_t c = 1; c < chunks; ++c) sum += load(sums + c * chunk + k * kLanes);
    dw[k] = sum_lanes(sum);
  }
}

}  // namespace tenon::cpu::inline TENON_CPU_ISA

#endif
