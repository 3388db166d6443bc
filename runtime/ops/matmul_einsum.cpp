// einsum: operands are brought to labelled dimensions, then contracted in pairs, from left to
// right, each pair by one batched product.
#include <algorithm>
#include <string>

#include <tenon/runtime/checked.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/matmul_internal.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/view.h>

namespace tenon {
namespace {

constinit const Op kEinsum{composite_spec(
    "einsum", "einsum(str equation, Tensor[] operands) -> Tensor",
    R"(Sum of products in Einstein's notation: a letter names a dimension of the operands, letters
that the output leaves out are summed, a letter twice in one operand takes the diagonal, "..." stands
for dimensions that broadcast. Without "->" the output has "..." and then the letters that appear
once, in alphabetical order (upper case first).

Shapes: a letter's sizes are equal or 1, which broadcasts.
Dtypes: one for all, as matmul.
Errors: InvalidArgument for an equation that can't be read, for other ranks or sizes; DType.
Source: torch.einsum, numpy.einsum.)",
    &box<&einsum>)};

// Dimensions under "..." get labels of their own, counted from the right.
constexpr char kFirstEllipsisLabel = 1;  // below every letter, so that they sort first

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class... Parts>
void require(bool condition, const Parts&... parts) {
  check(condition, ErrorCode::kInvalidArgument, "einsum", parts...);
}

struct Labelled {
  Tensor tensor;
  std::string labels;  // one per dimension
};

struct Equation {
  std::vector<std::string> inputs;  // letters, and '.' for an ellipsis
  std::string output;
  bool has_output = false;
};

// "ij, jk -> ik" without spaces and with '.' for "...".
std::string read_labels(std::string_view text, std::string_view equation) {
  std::string labels;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text.substr(i, 3) == "...") {
      require(labels.find('.') == std::string::npos, "one \"...\" per operand is allowed, got \"",
              equation, "\"");
      labels += '.';
      i += 2;
      continue;
    }
    require(is_letter(text[i]), "letters, \"...\", commas and one \"->\" were expected, got '",
            text.substr(i, 1), "' in \"", equation, "\"");
    labels += text[i];
  }
  return labels;
}

Equation parse(std::string_view equation) {
  Equation result;
  const size_t arrow = equation.find("->");
  std::string_view left = equation.substr(0, arrow);
  for (size_t comma = 0; comma != std::string_view::npos;) {
    comma = left.find(',');
    result.inputs.push_back(read_labels(left.substr(0, comma), equation));
    if (comma != std::string_view::npos) left.remove_prefix(comma + 1);
  }
  result.has_output = arrow != std::string_view::npos;
  if (result.has_output) result.output = read_labels(equation.substr(arrow + 2), equation);
  return result;
}

std::string ellipsis_labels(int64_t count, int64_t widest) {
  std::string labels;
  for (int64_t i = widest - count; i < widest; ++i)
    labels += static_cast<char>(kFirstEllipsisLabel + i);
  return labels;
}

// Number of dimensions that the ellipsis of an operand stands for. Errors: another rank.
int64_t ellipsis_rank(const std::string& labels, const Tensor& tensor, size_t operand) {
  const auto letters = static_cast<int64_t>(std::count_if(labels.begin(), labels.end(), is_letter));
  const bool open = labels.find('.') != std::string::npos;
  require(open ? letters <= tensor.dim() : letters == tensor.dim(), "operand ", operand, " has ",
          tensor.dim(), " dimensions, but ", open ? "at least " : "", letters,
          " are named for it, its sizes are ", tensor.sizes());
  return tensor.dim() - letters;
}

std::string without_ellipsis(const std::string& labels, const std::string& in_its_place) {
  std::string result = labels;
  const size_t at = result.find('.');
  if (at != std::string::npos) result.replace(at, 1, in_its_place);
  return result;
}

// Every label once: the diagonal of those named twice.
Labelled with_diagonals(Labelled x) {
  for (size_t i = 0; i < x.labels.size(); ++i) {
    const size_t again = x.labels.find(x.labels[i], i + 1);
    if (again == std::string::npos) continue;
    const auto first = static_cast<int64_t>(i), second = static_cast<int64_t>(again);
    require(x.tensor.size(first) == x.tensor.size(second), "the dimensions of '",
            x.labels.substr(i, 1), "' in one operand must have one size, got ", x.tensor.sizes());
    const char label = x.labels[i];
    x.tensor = ops::diagonal_of(x.tensor, first, second);
    x.labels.erase(again, 1);
    x.labels.erase(i, 1);
    x.labels += label;
    i = static_cast<size_t>(-1);  // positions moved: from the start
  }
  return x;
}

// Size of each label over all operands. Errors: sizes that don't broadcast.
class Extents {
 public:
  void add(const Labelled& x, size_t operand) {
    for (size_t i = 0; i < x.labels.size(); ++i) {
      int64_t& size = sizes_[static_cast<uint8_t>(x.labels[i])];
      const int64_t own = x.tensor.size(static_cast<int64_t>(i));
      require(size == kNone || size == 1 || own == 1 || size == own, "a dimension of operand ",
              operand, " has size ", own, ", which does not broadcast with ", size,
              " of the same name before; its sizes are ", x.tensor.sizes());
      if (size == kNone || size == 1) size = own;
    }
  }
  [[nodiscard]] int64_t of(char label) const { return sizes_[static_cast<uint8_t>(label)]; }

 private:
  static constexpr int64_t kNone = -1;
  std::vector<int64_t> sizes_ = std::vector<int64_t>(256, kNone);
};

// Dimensions of 1 that broadcast are dropped: they multiply every value of the label alike.
Labelled without_broadcasts(Labelled x, const Extents& extents) {
  for (size_t i = x.labels.size(); i-- > 0;) {
    const auto dim = static_cast<int64_t>(i);
    if (x.tensor.size(dim) != 1 || extents.of(x.labels[i]) == 1) continue;
    x.tensor = x.tensor.squeeze(dim);
    x.labels.erase(i, 1);
  }
  return x;
}

Labelled summed(const Labelled& x, const std::string& wanted) {
  Shape dims;
  std::string left;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    if (wanted.find(x.labels[i]) == std::string::npos)
      dims.push_back(static_cast<int64_t>(i));
    else
      left += x.labels[i];
  }
  if (dims.empty()) return x;
  return {sum(x.tensor, dims).to(x.tensor.dtype()), left};
}

Tensor in_order(const Labelled& x, const std::string& order) {
  Shape dims;
  for (const char label : order) dims.push_back(static_cast<int64_t>(x.labels.find(label)));
  return x.tensor.permute(dims);
}

// Labels of both operands by their part in a product (batch, m, k) x (batch, k, n).
struct Roles {
  std::string batch, left, inner, right;
};

Labelled contract(const Labelled& a, const Labelled& b, const std::string& wanted) {
  Roles roles;
  for (const char label : a.labels) {
    const bool shared = b.labels.find(label) != std::string::npos;
    const bool kept = wanted.find(label) != std::string::npos;
    (shared ? kept ? roles.batch : roles.inner : roles.left) += label;
  }
  for (const char label : b.labels)
    if (a.labels.find(label) == std::string::npos) roles.right += label;
  const auto sizes = [](const Labelled& x, const std::string& labels) {
    Shape result;
    for (const char label : labels)
      result.push_back(x.tensor.size(static_cast<int64_t>(x.labels.find(label))));
    return result;
  };
  const Shape batch = sizes(a, roles.batch), rows = sizes(a, roles.left),
              columns = sizes(b, roles.right);
  const int64_t count = batch.numel(), inner = sizes(a, roles.inner).numel();
  const Tensor left =
      in_order(a, roles.batch + roles.left + roles.inner).reshape({count, rows.numel(), inner});
  const Tensor right =
      in_order(b, roles.batch + roles.inner + roles.right).reshape({count, inner, columns.numel()});
  const auto rank =
      static_cast<int64_t>(roles.batch.size() + roles.left.size() + roles.right.size());
  require(rank <= kMaxRank, "an intermediate result would have ", rank,
          " dimensions, at most 8 are possible; name the operands in another order");
  return {matmul(left, right).view(batch + rows + columns), roles.batch + roles.left + roles.right};
}

std::string implicit_output(const std::vector<Labelled>& operands, int64_t ellipsis) {
  std::string letters, once;
  for (const Labelled& x : operands)
    for (const char label : x.labels)
      if (is_letter(label)) letters += label;
  std::sort(letters.begin(), letters.end());
  for (size_t i = 0; i < letters.size(); ++i) {
    const bool repeated = (i > 0 && letters[i - 1] == letters[i]) ||
                          (i + 1 < letters.size() && letters[i + 1] == letters[i]);
    if (!repeated) once += letters[i];
  }
  return ellipsis_labels(ellipsis, ellipsis) + once;
}

void check_output(const std::string& output, const Extents& extents) {
  for (size_t i = 0; i < output.size(); ++i) {
    require(output.find(output[i], i + 1) == std::string::npos, "'", output.substr(i, 1),
            "' appears twice in the output");
    require(extents.of(output[i]) >= 0, "'", output.substr(i, 1),
            "' of the output names no dimension of an operand");
  }
}

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands) {
  const Equation parsed = parse(equation);
  require(parsed.inputs.size() == operands.size() && !operands.empty(), "\"", equation,
          "\" is for ", parsed.inputs.size(), " operands, got ", operands.size());
  int64_t ellipsis = 0;
  for (size_t i = 0; i < operands.size(); ++i)
    ellipsis = std::max(ellipsis, ellipsis_rank(parsed.inputs[i], operands[i], i));
  std::vector<Labelled> terms;
  Extents extents;
  for (size_t i = 0; i < operands.size(); ++i) {
    const int64_t own = ellipsis_rank(parsed.inputs[i], operands[i], i);
    terms.push_back(
        {operands[i], without_ellipsis(parsed.inputs[i], ellipsis_labels(own, ellipsis))});
  }
  const std::string output =
      parsed.has_output ? without_ellipsis(parsed.output, ellipsis_labels(ellipsis, ellipsis))
                        : implicit_output(terms, ellipsis);
  for (size_t i = 0; i < terms.size(); ++i) {
    terms[i] = with_diagonals(terms[i]);
    extents.add(terms[i], i);
  }
  check_output(output, extents);
  for (Labelled& term : terms) term = without_broadcasts(term, extents);
  Labelled result = terms[0];
  for (size_t i = 1; i <= terms.size(); ++i) {
    std::string wanted = output;  // by the output and the operands to come
    for (size_t k = i; k < terms.size(); ++k) wanted += terms[k].labels;
    result = summed(result, wanted);
    if (i == terms.size()) break;
    std::string later = output;
    for (size_t k = i + 1; k < terms.size(); ++k) later += terms[k].labels;
    result = contract(result, summed(terms[i], later + result.labels), later);
  }
  return in_order(result, output);
}

void register_einsum_ops(OpList& list) { list.add(kEinsum); }

}  // namespace tenon
