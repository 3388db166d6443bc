// The kernels of compiled programs: their texts run on the host against the reference, NVRTC
// compiles all of them, index arithmetic touches each element once.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <random>

#include "compiler_library.h"
#include "device/pointwise.h"
#include "device/simt.h"
#include "program_cases.h"

namespace tenon::cuda {
namespace emulation {
namespace {

Place current{};
std::map<std::string, void (*)(const void*)>& kernels() {
  static std::map<std::string, void (*)(const void*)> all;
  return all;
}

}  // namespace

const Place& place() { return current; }
bool add_kernel(const char* name, void (*function)(const void*), int) {
  return kernels().emplace(name, function).second;
}

}  // namespace emulation

namespace {

// ---- index arithmetic ----

TEST(CompiledProgram, DivisorsAreExact) {
  std::mt19937 generator(2);
  const auto random = [&] { return static_cast<uint32_t>(generator()); };
  const auto check = [](uint32_t x, uint32_t by) {
    ASSERT_EQ(quotient(x, divisor_of(by)), x / by) << x << " / " << by;
  };
  for (uint32_t by = 1; by < 300; ++by) {
    for (uint32_t x = 0; x < 2000; ++x) check(x, by);
  }
  constexpr uint32_t kMost = 0x7fffffffu;
  for (int i = 0; i < 200000; ++i) {
    const uint32_t by = std::max(1u, (random() & kMost) >> random() % 31);
    for (const uint32_t x : {kMost, kMost / by * by, kMost / by * by - 1, random() & kMost}) {
      check(x & kMost, by);
    }
  }
}

template <int kElements, int kVectors>
struct Counter {
  std::vector<int>& seen;
  void mark(int64_t first, int n) const {
    for (int j = 0; j < n; ++j) ++seen.at(static_cast<size_t>(first + j));
  }
  void whole(int64_t first) const {
    for (int u = 0; u < kVectors; ++u) {
      mark(first + int64_t{u} * kProgramThreads * kElements, kElements);
    }
  }
  void vector(int64_t number) const { mark(number, kElements); }
  void rest(int64_t number) const { mark(number, 1); }
};

template <int kElements, int kVectors>
void visit_all() {
  constexpr int64_t kBlock = int64_t{kElements} * kVectors * kProgramThreads;
  for (const int64_t around : {int64_t{0}, kBlock, 2 * kBlock, int64_t{3} * kElements}) {
    for (int64_t count = std::max<int64_t>(1, around - 40); count < around + 40; ++count) {
      std::vector<int> seen(static_cast<size_t>(count));
      const Counter<kElements, kVectors> counter{seen};
      for (int64_t block = 0; block * kBlock < count; ++block) {
        for (int thread = 0; thread < kProgramThreads; ++thread) {
          visit_vectors<kElements, kVectors>(count, block, thread, counter);
        }
      }
      ASSERT_EQ(seen, std::vector<int>(seen.size(), 1)) << count;
    }
  }
}

TEST(CompiledProgram, EachElementIsVisitedOnce) {
  visit_all<1, 1>();
  visit_all<1, 4>();
  visit_all<2, 4>();
  visit_all<4, 4>();
  visit_all<8, 2>();
  visit_all<16, 1>();
}

template <class I>
void check_walks() {
  for (int64_t a = 1; a < 6; ++a) {
    for (int64_t b = 1; b < 6; ++b) {
      for (int64_t c = 1; c < 6; ++c) {
        Space space;
        space.rank = 3;
        space.count = a * b * c;
        space.shape = {a, b, c};
        space.strides[0] = {b * c, c, 1};
        space.strides[1] = {1, a, 100};
        space.strides[2] = {0, 7, 0};
        WalkParams p{};
        fill_walk(p, space);
        for (int64_t n = 0; n < space.count; ++n) {
          const auto place = walk<3, 3, I>(p, n);
          const int64_t i = n / (b * c), j = n / c % b, k = n % c;
          ASSERT_EQ(place.number, n);
          ASSERT_EQ(place.offsets[0], n);
          ASSERT_EQ(place.offsets[1], i + j * a + k * 100);
          ASSERT_EQ(place.offsets[2], j * 7);
        }
      }
    }
  }
}

TEST(CompiledProgram, OffsetsAreThoseOfTheStrides) {
  check_walks<int32_t>();
  check_walks<int64_t>();
}

// ---- the texts, run by the host ----

// One buffer for each operand; the allocator aligns them to 16 bytes.
using Memory = std::vector<std::vector<char>>;

Memory fill(const ProgramCase& c, std::mt19937& random) {
  Memory memory;
  for (size_t k = 0; k < c.tensors.size(); ++k) {
    const uint32_t dtype = c.tensors[k].dtype;
    const auto size = static_cast<size_t>(tnr_size(dtype));
    auto& bytes = memory.emplace_back(static_cast<size_t>(c.sizes[k]) * size);
    if (k < c.program.output_count) continue;
    for (size_t at = 0; at < bytes.size(); at += size) {
      visit_dtype(dtype, [&](auto element) {
        using T = decltype(element);
        const double x = (static_cast<double>(random() % 4001) - 2000) / 256;
        const T value = element_of<T>(cast<T, double>(random() % 50 == 0 ? x * 1e30 : x));
        std::memcpy(bytes.data() + at, &value, size);
      });
    }
  }
  return memory;
}

char* first_of(const ProgramCase& c, Memory& memory, size_t k) {
  return memory[k].data() + c.tensors[k].offset_bytes;
}

void run_text(const ProgramCase& c, Memory& memory, const uint64_t* scalars) {
  WalkParams p{};
  p.flat.count = c.space.count;
  for (size_t k = 0; k < c.tensors.size(); ++k) p.flat.data[k] = first_of(c, memory, k);
  for (uint32_t i = 0; i < c.program.scalar_count; ++i) {
    p.flat.scalars[i] = scalar_bits(c.program.dtypes[c.program.input_count + i], scalars[i]);
  }
  fill_walk(p, c.space);
  const auto kernel = emulation::kernels().at(c.name);
  const int64_t per_block = int64_t{c.layout.elements} * c.layout.vectors * kProgramThreads;
  for (int64_t block = 0; block * per_block < c.space.count; ++block) {
    for (int thread = 0; thread < kProgramThreads; ++thread) {
      emulation::current = {thread, 0, kProgramThreads, 1, block, 0, 0};
      if (c.layout.flat != 0) {
        kernel(&p.flat);
      } else {
        kernel(&p);
      }
    }
  }
}

bool same(uint32_t dtype, const char* a, const char* b) {
  bool equal = std::memcmp(a, b, static_cast<size_t>(tnr_size(dtype))) == 0;
  visit_dtype(dtype, [&](auto element) {
    decltype(element) x, y;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&y, b, sizeof y);
    equal = equal || (value_of(x) != value_of(x) && value_of(y) != value_of(y));
  });
  return equal;
}

TEST(CompiledProgram, TextsHaveTheBitsOfTheReference) {
  std::mt19937 random(3);
  int run = 0;
  for (const ProgramCase& c : program_cases()) {
    if (!c.runs) continue;
    ++run;
    uint64_t scalars[kProgramScalars];
    for (uint32_t i = 0; i < c.program.scalar_count; ++i) {
      const uint32_t dtype = c.program.dtypes[c.program.input_count + i];
      scalars[i] = tnr_is_float(dtype) ? bits_as<uint64_t>(1.7) : 3;
    }
    Memory got = fill(c, random);
    Memory wanted = got;
    run_text(c, got, scalars);
    std::vector<tnr_operand> operands;
    for (size_t k = 0; k < c.tensors.size(); ++k) {
      operands.push_back({first_of(c, wanted, k), &c.tensors[k]});
    }
    tnr_program_run(&c.program, operands.data(), scalars);
    for (uint32_t k = 0; k < c.program.output_count; ++k) {
      const auto size = tnr_size(c.tensors[k].dtype);
      for (int64_t i = 0; i < c.space.count; ++i) {
        ASSERT_TRUE(same(c.tensors[k].dtype, first_of(c, got, k) + i * size,
                         first_of(c, wanted, k) + i * size))
            << c.name << ", output " << k << ", element " << i << '\n'
            << program_text(program_code(c.program), c.layout, c.name);
      }
    }
  }
  EXPECT_GE(run, 180);
}

// ---- NVRTC ----

TEST(CompiledProgram, NvrtcCompilesAll) {
  const NvrtcSearch search = find_nvrtc(std::nullopt);
  const std::vector<ProgramCase> cases = program_cases();
  EXPECT_GE(cases.size(), 200u);
  if (!search.table) {
    GTEST_SKIP() << cases.size() << " programs are not compiled: " << search.reason;
  }
  const size_t each = 16;
  for (size_t begin = 0; begin < cases.size(); begin += each) {
    const size_t end = std::min(cases.size(), begin + each);
    std::string text = program_prelude();
    for (size_t i = begin; i < end; ++i) {
      text += program_text(program_code(cases[i].program), cases[i].layout, cases[i].name);
    }
    const std::string cubin = compile_cubin(*search.table, text, program_options(90));
    ASSERT_TRUE(cubin.starts_with("\177ELF"));
    for (size_t i = begin; i < end; ++i) {
      ASSERT_NE(cubin.find(".text." + cases[i].name + '\0'), std::string::npos) << cases[i].name;
    }
  }
}

TEST(CompiledProgram, NvrtcSaysWhatIsWrong) {
  const NvrtcSearch search = find_nvrtc(std::nullopt);
  if (!search.table) GTEST_SKIP() << search.reason;
  try {
    compile_cubin(*search.table, "no text", program_options(90));
    FAIL();
  } catch (const std::runtime_error& failure) {
    EXPECT_NE(std::string(failure.what()).find("error"), std::string::npos) << failure.what();
  }
}

TEST(CompiledProgram, LayoutsOfEveryKindAreThere) {
  int flat = 0, rows = 0, strided = 0, wide = 0, whole = 0;
  for (const ProgramCase& c : program_cases()) {
    flat += c.layout.flat;
    wide += c.layout.wide;
    rows += c.layout.flat == 0 && c.layout.elements > 1 ? 1 : 0;
    strided += c.layout.flat == 0 && c.layout.elements == 1 ? 1 : 0;
    whole += c.space.count > c.layout.elements * c.layout.vectors * kProgramThreads ? 1 : 0;
  }
  for (const int count : {flat, rows, strided, wide, whole}) EXPECT_GE(count, 10);
}

}  // namespace
}  // namespace tenon::cuda
