// Random index expressions, read, assigned and differentiated, against plain loops. The loops were
// compared with PyTorch by printing what each expression picks.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include <tenon/runtime/ops/ops.h>

namespace tenon {
namespace {

constexpr int kExpressions = 400;

std::vector<Shape> every(const Shape& sizes) {
  std::vector<Shape> all;
  Shape at = sizes;
  for (int64_t d = 0; d < at.rank(); ++d) at[d] = 0;
  for (int64_t i = 0; i < sizes.numel(); ++i) {
    all.push_back(at);
    for (int64_t d = at.rank() - 1; d >= 0 && ++at[d] == sizes[d]; --d) at[d] = 0;
  }
  return all;
}

int64_t number_of(const Shape& at, const Shape& sizes) {
  int64_t number = 0;
  for (int64_t d = 0; d < at.rank(); ++d) number = number * sizes[d] + at[d];
  return number;
}

// A dimension of the view that an expression makes before its tensors are applied.
struct Axis {
  int64_t source = -1;  // self's dimension; -1: a new one
  int64_t size = 1, start = 0, step = 1;
  bool picks = false;
  Shape sizes = {};                     // of the positions
  std::vector<int64_t> positions = {};  // row-major
};

// An expression, what it says in Python, and its meaning.
struct Expression {
  Shape self;
  std::vector<TensorIndex> items;
  std::string text;
  std::vector<Axis> axes;
  Shape fixed;  // position of each of self's dimensions that an integer takes
};

class Maker {
 public:
  explicit Maker(unsigned seed) : engine_(seed) {}

  Expression make() {
    const int64_t rank = draw(1, 4);
    for (int64_t d = 0; d < rank; ++d) made_.self.push_back(draw(0, 19) == 0 ? 0 : draw(1, 4));
    made_.fixed = made_.self;
    common_ = {draw(1, 3), draw(0, 11) == 0 ? 0 : draw(1, 3)};
    const int64_t used = draw(0, rank);
    const int64_t ellipsis = draw(0, 2) == 0 ? draw(0, used) : -1;
    int64_t end = used;  // of the dimensions with an item of their own
    while (next_ < end) {
      if (ellipsis >= 0 && next_ >= ellipsis && end == used && used < rank) {
        skip(rank - used);
        end = rank;
        continue;
      }
      if (draw(0, 7) == 0 && made_.axes.size() < 4) add_none();
      add_item(end);
    }
    while (next_ < rank) add_range(0, 1, made_.self[next_]);
    return std::move(made_);
  }

 private:
  int64_t draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine_);
  }

  void add(TensorIndex item, const std::string& text) {
    made_.items.push_back(std::move(item));
    made_.text += (made_.text.empty() ? "" : ", ") + text;
  }

  void skip(int64_t dims) {
    add(Ellipsis, "...");
    for (int64_t i = 0; i < dims; ++i) add_range(0, 1, made_.self[next_]);
  }

  void add_none() {
    add(None, "None");
    made_.axes.push_back({});
  }

  void add_range(int64_t start, int64_t step, int64_t size) {
    made_.axes.push_back({.source = next_++, .size = size, .start = start, .step = step});
  }

  void add_item(int64_t end) {
    const int64_t size = made_.self[next_];
    switch (draw(0, 7)) {
      case 0:
      case 1:
        if (size > 0) return add_integer(size);
        break;
      case 2:
      case 3:
        return add_positions(size);
      case 4:
        if (next_ < end) return add_mask(end);
        break;
      case 5:
        if (draw(0, 3) == 0) add_truth();
        break;
      default:
        break;
    }
    add_slice(size);
  }

  void add_integer(int64_t size) {
    const int64_t position = draw(0, size - 1);
    const int64_t written = draw(0, 1) == 0 ? position : position - size;
    made_.fixed[next_++] = position;
    add(written, std::to_string(written));
  }

  void add_slice(int64_t size) {
    const int64_t start = draw(0, size), stop = draw(0, 3) == 0 ? size + 2 : draw(start, size);
    const int64_t step = draw(1, 2);
    add(Slice(start, stop, step), join_text(start, ":", stop, ":", step));
    add_range(start, step, (std::min(stop, size) - start + step - 1) / step);
  }

  // Positions in a shape that broadcasts to the common one.
  void add_positions(int64_t size) {
    Shape sizes;
    if (draw(0, 1) == 0) sizes.push_back(draw(0, 2) == 0 ? 1 : common_[0]);
    sizes.push_back(draw(0, 3) == 0 ? 1 : common_[1]);
    if (size == 0 && sizes.numel() > 0) return add_slice(size);
    Axis axis{.source = next_++, .picks = true, .sizes = sizes};
    std::vector<int64_t> written;
    for (int64_t i = 0; i < sizes.numel(); ++i) {
      axis.positions.push_back(draw(0, size - 1));
      written.push_back(axis.positions.back() - (draw(0, 2) == 0 ? size : 0));
    }
    std::string list;
    for (const int64_t one : written) list += join_text(list.empty() ? "" : ",", one);
    list = join_text("P([", list, "],", sizes, ")");
    if (sizes.rank() == 1 && draw(0, 2) == 0)
      add(written, list);
    else
      add(tensor(written).view(sizes), list);
    made_.axes.push_back(std::move(axis));
  }

  // A mask of one or two dimensions with as many true elements as the common shape takes.
  void add_mask(int64_t end) {
    const int64_t rank = next_ + 1 < end && draw(0, 1) == 0 ? 2 : 1;
    const Shape sizes = made_.self.slice(next_, next_ + rank);
    const int64_t trues = draw(0, 2) == 0 ? 1 : common_[1];
    if (trues > sizes.numel()) return add_slice(made_.self[next_]);
    std::vector<int64_t> order(static_cast<size_t>(sizes.numel()));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), engine_);
    order.resize(static_cast<size_t>(trues));
    std::sort(order.begin(), order.end());
    std::vector<int64_t> bits(static_cast<size_t>(sizes.numel()));
    for (const int64_t i : order) bits[static_cast<size_t>(i)] = 1;
    std::string list;
    for (const int64_t bit : bits) list += join_text(list.empty() ? "" : ",", bit);
    add(tensor(bits).to(kBool).view(sizes), join_text("M([", list, "],", sizes, ")"));
    for (int64_t d = 0; d < rank; ++d) {
      Axis axis{.source = next_++, .picks = true, .sizes = {trues}};
      for (const int64_t i : order)
        axis.positions.push_back(d + 1 == rank ? i % sizes[rank - 1] : i / sizes[1]);
      made_.axes.push_back(std::move(axis));
    }
  }

  void add_truth() {
    add(true, "True");
    made_.axes.push_back({.picks = true, .sizes = {1}, .positions = {0}});
  }

  std::mt19937 engine_;
  Expression made_;
  Shape common_;
  int64_t next_ = 0;  // self's dimension
};

// What an expression picks: sizes, and per element the number of self's.
struct Picks {
  Shape sizes;
  std::vector<int64_t> from;
};

Picks picks_of(const Expression& expression) {
  Shape common, before, after;
  std::vector<size_t> pickers, axes;
  for (size_t i = 0; i < expression.axes.size(); ++i) {
    if (!expression.axes[i].picks) continue;
    common = broadcast_shapes(common, expression.axes[i].sizes, "test");
    pickers.push_back(i);
  }
  const bool together = !pickers.empty() && pickers.back() - pickers.front() + 1 == pickers.size();
  for (size_t i = 0; i < expression.axes.size(); ++i) {
    if (expression.axes[i].picks) continue;
    (together && i < pickers.front() ? before : after).push_back(expression.axes[i].size);
    axes.push_back(i);
  }
  Picks result{before + common + after, {}};
  for (const Shape& at : every(result.sizes)) {
    Shape from = expression.fixed;
    for (size_t k = 0; k < axes.size(); ++k) {
      const Axis& axis = expression.axes[axes[k]];
      const auto d = static_cast<int64_t>(k);
      const int64_t i = at[d < before.rank() ? d : d + common.rank()];
      if (axis.source >= 0) from[axis.source] = axis.start + i * axis.step;
    }
    for (const size_t i : pickers) {
      const Axis& axis = expression.axes[i];
      if (axis.source < 0) continue;
      Shape own = axis.sizes;
      const int64_t shift = before.rank() + common.rank() - own.rank();
      for (int64_t d = 0; d < own.rank(); ++d) own[d] = own[d] == 1 ? 0 : at[shift + d];
      from[axis.source] = axis.positions[static_cast<size_t>(number_of(own, axis.sizes))];
    }
    result.from.push_back(number_of(from, expression.self));
  }
  return result;
}

std::vector<float> ramp_values(int64_t count, float first) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

// Row-major, transposed or with gaps.
Tensor laid_out(const Shape& sizes, int seed) {
  const Tensor dense = arange(sizes.numel(), kFloat32).view(sizes);
  if (seed % 3 == 0) return dense;
  Shape strides = contiguous_strides(sizes);
  if (seed % 3 == 1) {
    int64_t step = 1;
    for (int64_t d = 0; d < sizes.rank(); ++d)
      strides[d] = step, step *= std::max<int64_t>(1, sizes[d]);
  } else {
    for (int64_t d = 0; d < sizes.rank(); ++d) strides[d] *= 2;
  }
  Tensor view = zeros({2 * sizes.numel() + 4}, kFloat32).as_strided(sizes, strides, 3);
  view.copy_(dense);
  return view;
}

class IndexExpression : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    expression = Maker(static_cast<unsigned>(GetParam())).make();
    picks = picks_of(expression);
    count = expression.self.numel();
  }
  std::string text() const { return join_text("x", expression.self, "[", expression.text, "]"); }

  Expression expression;
  Picks picks;
  int64_t count = 0;
};

TEST_P(IndexExpression, Reads) {
  SCOPED_TRACE(text());
  const Tensor x = laid_out(expression.self, GetParam());
  const Tensor y = x.index(expression.items);
  ASSERT_EQ(y.sizes(), picks.sizes);
  EXPECT_EQ(y.to_vector<int64_t>(), picks.from);
}

TEST_P(IndexExpression, Assigns) {
  SCOPED_TRACE(text());
  const bool accumulate = GetParam() % 2 == 1;
  Tensor x = laid_out(expression.self, GetParam());
  const uint32_t version = x.version();
  const std::vector<float> values = ramp_values(picks.sizes.numel(), 100);
  x.index_put_(expression.items, tensor(values).view(picks.sizes), accumulate);
  std::vector<float> want = ramp_values(count, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    float& element = want[static_cast<size_t>(picks.from[i])];
    element = (accumulate ? element : 0) + values[i];
  }
  EXPECT_EQ(x.to_vector<float>(), want);
  EXPECT_GT(x.version(), version);
}

TEST_P(IndexExpression, AssignsOneNumber) {
  SCOPED_TRACE(text());
  Tensor x = laid_out(expression.self, GetParam());
  x.index_put_(expression.items, -5);
  std::vector<float> want = ramp_values(count, 0);
  for (const int64_t from : picks.from) want[static_cast<size_t>(from)] = -5;
  EXPECT_EQ(x.to_vector<float>(), want);
}

TEST_P(IndexExpression, Differentiates) {
  SCOPED_TRACE(text());
  const bool accumulate = GetParam() % 2 == 1;
  const Tensor x = laid_out(expression.self, 0).requires_grad_();
  const Tensor values =
      tensor(ramp_values(picks.sizes.numel(), 100)).view(picks.sizes).requires_grad_();
  const Tensor weights = tensor(ramp_values(picks.sizes.numel(), 1)).view(picks.sizes);
  const Tensor read = (x.index(expression.items) * weights).sum();
  Tensor y = x.mul(1);
  y.index_put_(expression.items, values, accumulate);
  const Tensor scale = tensor(ramp_values(count, 1)).view(expression.self);
  (read + (y * scale).sum()).backward();

  std::vector<float> want = ramp_values(count, 1), want_values;
  std::vector<int64_t> writer(static_cast<size_t>(count), -1);
  for (size_t i = 0; i < picks.from.size(); ++i)
    writer[static_cast<size_t>(picks.from[i])] = static_cast<int64_t>(i);
  for (size_t i = 0; i < want.size(); ++i)
    if (!accumulate && writer[i] >= 0) want[i] = 0;
  for (size_t i = 0; i < picks.from.size(); ++i) {
    const auto from = static_cast<size_t>(picks.from[i]);
    want[from] += static_cast<float>(i + 1);
    const bool stays = accumulate || writer[from] == static_cast<int64_t>(i);
    want_values.push_back(stays ? static_cast<float>(from + 1) : 0);
  }
  EXPECT_EQ(x.grad().to_vector<float>(), want);
  EXPECT_EQ(values.grad().to_vector<float>(), want_values);
}

INSTANTIATE_TEST_SUITE_P(Random, IndexExpression, testing::Range(0, kExpressions));

}  // namespace
}  // namespace tenon
