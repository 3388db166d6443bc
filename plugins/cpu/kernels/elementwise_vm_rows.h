// Programs over a space whose operands are not all dense: row by row where rows are long, and by
// tiles of rows where some input lies across (its rows have stride 1, its columns do not).
//
// In a tile such inputs are turned through registers into a block that the first-level cache
// holds; all others are read, and the outputs written, where they lie. An input that is one value
// per row fills a chunk of scratch.
#ifndef TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_ROWS_H
#define TENON_PLUGINS_CPU_KERNELS_ELEMENTWISE_VM_ROWS_H

#include "elementwise_vm_program.h"

namespace tenon::cpu {

class VmRows {
 public:
  // Operands of a launch: outputs, then inputs.
  VmRows(const VmProgram& program, const tn_tensor* const* operands, const uint64_t* scalars);

  // Whether this way pays: outputs dense along the last dimension, rows long enough.
  [[nodiscard]] bool fits() const { return fits_; }
  [[nodiscard]] int64_t count() const { return outer_ * row_tiles_ * column_tiles_; }
  // Tiles that are worth a thread of their own.
  [[nodiscard]] int64_t grain() const;
  void run(int64_t begin, int64_t end) const;

 private:
  enum class Access : uint8_t { kDirect, kOneValue, kRowValue, kTurned, kGathered };
  struct Operand {
    std::byte* data;
    int64_t item;  // bytes
    int64_t row_stride, column_stride;
    uint32_t dtype;
    Access access;
    int32_t block;  // of this number, when turned or gathered
  };
  struct Memory;
  struct Tile {
    int64_t row, column, rows, columns;
    const int64_t* offsets;  // of the operands, in elements, by the outer dimensions
  };

  void choose_dimensions(const tn_tensor* const* operands);
  void bind(const tn_tensor& t, Operand& o);
  [[nodiscard]] Access access_of(const tn_tensor& t, const Operand& o) const;
  void enter(Memory& memory, VmFrame& frame) const;
  void run_tile(const Tile& tile, Memory& memory, VmFrame& frame) const;
  void fill_blocks(const Tile& tile, Memory& memory) const;

  static constexpr int64_t kTileRows = 32;
  static constexpr int64_t kTileColumns = 128;
  static constexpr int kBlocks = 6;
  static constexpr int64_t kBlockElements = kTileRows * kTileColumns;

  const VmProgram& program_;
  const uint64_t* scalars_;
  Operand operands_[24];  // inputs, then outputs
  uint32_t inputs_;
  uint32_t count_;
  int blocks_ = 0;
  bool turns_ = false;
  bool fits_ = false;
  bool streams_ = false;
  int rank_ = 0;
  int row_dim_ = -1;
  int64_t rows_ = 1, columns_ = 1;
  int64_t tile_rows_ = 1, tile_columns_ = 1;
  int64_t outer_ = 1, row_tiles_ = 1, column_tiles_ = 1;
  int outer_rank_ = 0;
  int64_t outer_shape_[TN_MAX_RANK];
  int64_t outer_strides_[TN_MAX_RANK][24];
};

}  // namespace tenon::cpu

#endif
