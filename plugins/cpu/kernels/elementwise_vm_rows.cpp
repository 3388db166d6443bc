#include "elementwise_vm_rows.h"

#include <algorithm>
#include <cstring>

#include "elementwise_vm_slots.h"

namespace tenon::cpu {
namespace {

constexpr int64_t kLongRow = 256;  // a last vector that is not full costs little beside this
constexpr int64_t kShortRow = 64;
constexpr int64_t kWholeVectors = 16;
constexpr int64_t kLeastTurned = 8;
constexpr int64_t kMostColumns = 65536;  // of one run: few rows are shared out between threads too

}  // namespace

struct VmRows::Memory {
  Frame frame;
  std::byte* chunks[24];  // scratch of the inputs that are one value
  alignas(64) float blocks[kBlocks][kBlockElements];
};

VmRows::VmRows(const VmProgram& program, const tn_tensor* const* operands, const uint64_t* scalars)
    : program_(program),
      scalars_(scalars),
      inputs_(static_cast<uint32_t>(program.inputs_.size())),
      count_(inputs_ + static_cast<uint32_t>(program.outputs_.size())) {
  const tn_tensor& space = *operands[0];
  rank_ = static_cast<int>(space.rank);
  if (rank_ < 2) return;
  choose_dimensions(operands);
  const uint32_t outputs = count_ - inputs_;
  for (uint32_t i = 0; i < count_; ++i) {
    const tn_tensor& t = *operands[i < inputs_ ? outputs + i : i - inputs_];
    bind(t, operands_[i]);
    const Access access = operands_[i].access;
    if (i >= inputs_ && access != Access::kDirect) return;
    turns_ |= access == Access::kTurned;
    if (access == Access::kTurned || access == Access::kGathered) {
      operands_[i].block = blocks_++;
    }
  }
  const bool long_enough =
      columns_ >= kLongRow || (columns_ >= kShortRow && columns_ % kWholeVectors == 0);
  fits_ = blocks_ <= kBlocks && (turns_ || long_enough);
  if (turns_) {
    tile_rows_ = kTileRows;
    tile_columns_ = kTileColumns;
  } else {
    tile_columns_ = blocks_ > 0 ? kBlockElements : kMostColumns;
  }
  row_tiles_ = (rows_ + tile_rows_ - 1) / tile_rows_;
  column_tiles_ = (columns_ + tile_columns_ - 1) / tile_columns_;
  streams_ = is_streamed(element_count(space) * 4);
}

// Columns are the last dimension. Rows: the one along which an input lies across, else the last
// but one.
void VmRows::choose_dimensions(const tn_tensor* const* operands) {
  const tn_tensor& space = *operands[0];
  const int last = rank_ - 1;
  row_dim_ = last - 1;
  for (uint32_t i = count_ - inputs_; i < count_; ++i) {
    const tn_tensor& t = *operands[i];
    if (t.dtype != TN_DTYPE_F32 || t.strides[last] <= 1) continue;
    for (int d = 0; d < last; ++d) {
      if (t.strides[d] == 1 && t.shape[d] >= kLeastTurned) row_dim_ = d;
    }
  }
  rows_ = space.shape[row_dim_];
  columns_ = space.shape[last];
  for (int d = 0; d < last; ++d) {
    if (d == row_dim_) continue;
    outer_shape_[outer_rank_] = space.shape[d];
    outer_ *= space.shape[d];
    for (uint32_t i = 0; i < count_; ++i) {
      const uint32_t from = i < inputs_ ? count_ - inputs_ + i : i - inputs_;
      outer_strides_[outer_rank_][i] = operands[from]->strides[d];
    }
    ++outer_rank_;
  }
}

void VmRows::bind(const tn_tensor& t, Operand& o) {
  o.data = data_of(t);
  o.dtype = t.dtype;
  o.item = dtype_size(t.dtype);
  o.row_stride = t.strides[row_dim_];
  o.column_stride = t.strides[rank_ - 1];
  o.access = access_of(t, o);
  o.block = -1;
}

VmRows::Access VmRows::access_of(const tn_tensor& t, const Operand& o) const {
  if (o.column_stride == 1 || columns_ == 1) return Access::kDirect;
  if (o.column_stride != 0) {
    const bool across = o.row_stride == 1 && t.dtype == TN_DTYPE_F32 && rows_ >= kLeastTurned &&
                        columns_ >= kLeastTurned;
    return across ? Access::kTurned : Access::kGathered;
  }
  for (int d = 0; d < rank_; ++d) {
    if (t.strides[d] != 0 && t.shape[d] != 1) return Access::kRowValue;
  }
  return Access::kOneValue;
}

int64_t VmRows::grain() const {
  const int64_t elements = std::min(tile_rows_, rows_) * std::min(tile_columns_, columns_);
  return std::max<int64_t>(1, program_.grain_ / std::max<int64_t>(1, elements));
}

void VmRows::enter(Memory& memory, VmFrame& frame) const {
  frame.count = count_;
  std::byte* scratch = fill_slots(*program_.vm_, program_.scalars_, program_.scratch_slots_,
                                  scalars_, frame, memory.frame.bytes, columns_);
  for (uint32_t i = 0; i < inputs_; ++i) {
    const Operand& o = operands_[i];
    if (o.access != Access::kOneValue && o.access != Access::kRowValue) continue;
    memory.chunks[i] = scratch;
    frame.operands[i] = {scratch, 0};
    if (o.access == Access::kOneValue)
      fill_constant(*program_.vm_, o.dtype, o.data, scratch, columns_);
    scratch += kVmSlotBytes;
  }
}

void VmRows::run(int64_t begin, int64_t end) const {
  Memory memory;
  VmFrame frame;
  enter(memory, frame);
  int64_t offsets[24];
  int64_t outer = -1;
  for (int64_t at = begin; at < end; ++at) {
    // Rows innermost: the next tile reads the memory behind this one's of an input that lies
    // across.
    const int64_t next = at / (row_tiles_ * column_tiles_);
    if (next != outer) {
      outer = next;
      std::fill(offsets, offsets + count_, int64_t{0});
      int64_t rest = outer;
      for (int d = outer_rank_ - 1; d >= 0; --d) {
        const int64_t index = rest % outer_shape_[d];
        rest /= outer_shape_[d];
        for (uint32_t i = 0; i < count_; ++i) offsets[i] += index * outer_strides_[d][i];
      }
    }
    const int64_t row = at % row_tiles_ * tile_rows_;
    const int64_t column = at / row_tiles_ % column_tiles_ * tile_columns_;
    run_tile({row, column, std::min(tile_rows_, rows_ - row),
              std::min(tile_columns_, columns_ - column), offsets},
             memory, frame);
  }
  if (streams_) end_streaming();
}

void VmRows::fill_blocks(const Tile& tile, Memory& memory) const {
  const ElementwiseKernels& kernels = *program_.blocks_;
  for (uint32_t i = 0; i < inputs_; ++i) {
    const Operand& o = operands_[i];
    if (o.block < 0) continue;
    float* block = memory.blocks[o.block];
    const int64_t offset =
        tile.offsets[i] + tile.row * o.row_stride + tile.column * o.column_stride;
    if (o.access == Access::kTurned) {
      kernels.turn(block, tile.columns, reinterpret_cast<const float*>(o.data) + offset,
                   o.column_stride, tile.rows, tile.columns);
      continue;
    }
    for (int64_t r = 0; r < tile.rows; ++r) {
      kernels.load[o.dtype](reinterpret_cast<std::byte*>(block) + r * tile.columns * o.item,
                            o.data + (offset + r * o.row_stride) * o.item, o.column_stride,
                            tile.columns);
    }
  }
}

void VmRows::run_tile(const Tile& tile, Memory& memory, VmFrame& frame) const {
  if (blocks_ > 0) fill_blocks(tile, memory);
  const VmStep* steps = streams_ ? program_.streaming_.data() : program_.steps_.data();
  for (int64_t r = 0; r < tile.rows; ++r) {
    for (uint32_t i = 0; i < count_; ++i) {
      const Operand& o = operands_[i];
      if (o.access == Access::kOneValue) continue;
      if (o.block >= 0) {
        std::byte* block = reinterpret_cast<std::byte*>(memory.blocks[o.block]);
        frame.operands[i] = {block + r * tile.columns * o.item, o.item};
        continue;
      }
      std::byte* data = o.data + (tile.offsets[i] + (tile.row + r) * o.row_stride +
                                  tile.column * o.column_stride) *
                                     o.item;
      if (o.access == Access::kRowValue) {
        fill_constant(*program_.vm_, o.dtype, data, memory.chunks[i], columns_);
      } else {
        frame.operands[i] = {data, o.item};
      }
    }
    program_.vm_->run(steps, frame, inputs_, count_, tile.columns);
  }
}

}  // namespace tenon::cpu
