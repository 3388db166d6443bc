// Direct convolution without im2col, one table per instruction set.
//
// The input of one task is copied into a "slab": its padded rows, split by phase where the stride
// is more than 1 (phase (i, j) holds rows i, i + stride, ... and columns j, j + stride, ...). Then
// tap (r, c) of the kernel at grid position (h, w) reads slab[offset(r, c) + h * pitch + w]: with
// the position p = h * pitch + w a whole block of positions is a run of dense memory for every tap,
// and vectors cross the ends of rows. Positions with w >= grid width are computed and dropped.
//
// Note "Lanes": where planes are small, much of that is padding and row ends. With a batch there is
// another way: the images of the batch side by side in a vector, [channel][row][column][image]. A
// position is then a whole vector, taps that read padding only are left out, and nothing is
// dropped; it costs turning the operands over in blocks.
#ifndef TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_KERNELS_H
#define TENON_PLUGINS_CPU_KERNELS_CONVOLUTION_KERNELS_H

#include <cstdint>

namespace tenon::cpu {

// How the grid of output positions reads an input of channels x height x width.
struct SlabPlan {
  int64_t channels, height, width;
  int64_t pad_h, pad_w;    // zeros before the input; negative: rows or columns left out
  int64_t step_h, step_w;  // between neighbours of the grid
  int64_t taps;
  int64_t tap_columns;   // taps of one row of the kernel; all rows read the same columns
  const int32_t* tap_h;  // [taps] offsets in the padded input, >= 0
  const int32_t* tap_w;
  int64_t grid_h, grid_w;
  // Derived by finish_plan.
  int64_t tile_rows;  // rows of the grid that one slab serves
  int64_t phase_h;    // rows of one phase
  int64_t pitch;      // columns of one phase
  int64_t channel_stride;
  int64_t slab_floats;

  [[nodiscard]] int64_t tap_offset(int64_t t) const {
    const int64_t phase = tap_h[t] % step_h * step_w + tap_w[t] % step_w;
    return phase * phase_h * pitch + tap_h[t] / step_h * pitch + tap_w[t] / step_w;
  }
};

// One tile of a convolution: all output channels at `rows` rows of the grid.
struct ForwardTile {
  const SlabPlan* plan;
  const float* slab;
  const int32_t* offsets;  // [taps] in the slab
  const float* weights;    // packed: [block][channel][tap][kChannelBlock]
  const float* bias;       // [outputs] or NULL
  int64_t outputs;
  int64_t rows;
  float* out;           // of grid position (0, 0) of the tile, channel 0
  int64_t out_channel;  // strides in elements
  int64_t out_row;
  int64_t out_column;
};

// One tile of a weight gradient: sums over positions of dy[o, p] slab[c, p + offset].
struct WeightTile {
  const SlabPlan* plan;
  const float* slab;
  const int32_t* offsets;
  const float* dy;  // of the tile's first row, channel 0
  int64_t dy_channel;
  int64_t outputs;
  int64_t rows;
  float* packed_dy;  // scratch
  float* sums;       // added to: [output][channel * tap] or, by channels, [channel * tap][padded]
  int64_t sums_row;
};

// Rows of kLanes images, to be turned into [channel][row][pitch][image] with zeros outside.
struct LaneInput {
  const float* data;       // channel 0 of the first row of the first image
  int64_t image, channel;  // strides in elements
  int64_t images;          // <= lanes; the others are 0
  int64_t channels, rows, width;
  int64_t pad;    // columns before the input; negative: columns left out
  int64_t pitch;  // columns of the result
};

// Rows [row, row + rows) of the grid for a vector of images.
struct LaneTile {
  const SlabPlan* plan;
  const float* slab;  // of input rows [slab_row, slab_row + slab_rows)
  int64_t slab_row, slab_rows, pitch;
  int64_t row, rows;
  const float* weights;  // packed as for ForwardTile
  const float* bias;     // [outputs] or NULL
  int64_t outputs;
  float* scratch;  // [channel_block][rows * grid width][image]
  float* out;      // of the tile's first position in the first image, channel 0
  int64_t images;
  int64_t out_image, out_channel, out_row, out_column;  // strides in elements
};

// The same for the weight gradient.
struct LaneWeightTile {
  const SlabPlan* plan;
  const float* slab;
  int64_t slab_row, slab_rows, pitch;
  int64_t row, rows;
  const float* dy;  // [output][rows * grid width][image]
  int64_t outputs;
  float* sums;          // added to: [output][channel * tap][image]
  int64_t sums_output;  // floats between outputs
};

struct ConvolutionKernels {
  int64_t channel_block;  // output channels of one packed block of weights
  int64_t lanes;
  // Rows [first_row, + rows) of the grid.
  void (*fill_slab)(const SlabPlan& plan, const float* in, int64_t first_row, int64_t rows,
                    float* slab);
  void (*forward)(const ForwardTile& tile);
  void (*weight_by_pixels)(const WeightTile& tile);
  void (*weight_by_channels)(const WeightTile& tile);
  void (*fill_lanes)(const LaneInput& input, float* slab);
  void (*forward_lanes)(const LaneTile& tile);
  void (*weight_lanes)(const LaneWeightTile& tile);
  // dw[k] = the sum of vector k over chunks, which lie `chunk` floats apart, and over lanes.
  void (*sum_weight_lanes)(const float* sums, int64_t chunk, int64_t chunks, int64_t count,
                           float* dw);
  // y[h, w] and the index of the greatest of each 2 x 2 window; one plane.
  void (*max_pool_2x2)(const float* x, int64_t width, int64_t out_h, int64_t out_w, float* y,
                       int64_t* indices);
  // Its gradient for one plane, where every index lies in its own window; else false, and dx holds
  // nothing of use.
  bool (*max_pool_2x2_grad)(const float* dy, const int64_t* indices, int64_t height, int64_t width,
                            int64_t out_h, int64_t out_w, float* dx);
};

const ConvolutionKernels& convolution_baseline();
const ConvolutionKernels& convolution_avx2();
const ConvolutionKernels& convolution_avx512();

}  // namespace tenon::cpu

#endif
