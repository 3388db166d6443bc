// The loops that a person would write by hand for this machine's vectors, and the probe. Built with
// -march=native, which nothing that is shipped is.
#include <memory>
#include <thread>

#include "bench.h"

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
using Floats = float __attribute__((vector_size(kLanes * sizeof(float))));
using Ints = int32_t __attribute__((vector_size(kLanes * sizeof(float))));

Floats all(float x) { return x - Floats{}; }

// e^x for |x| < 87, within 2 units of the last place: x = n·ln 2 + r, e^r by a polynomial.
Floats exp_of(Floats x) {
  const Floats magic = all(12582912.f);  // 1.5 · 2^23: what is added to it is rounded to an integer
  const Floats shifted = x * all(1.44269504f) + magic;
  const Floats n = shifted - magic;
  const Floats r = (x - n * all(0.693359375f)) + n * all(2.12194440e-4f);
  Floats p = all(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                        5.0000001201e-1f, 1.f, 1.f}) {
    p = p * r + all(c);
  }
  const Ints power = (reinterpret_cast<Ints>(shifted) << 23);
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(p) + power);
}

// sigmoid(relu(x * 1.5 + b) * 0.7 - 0.1) * x + b
Floats chain(Floats x, Floats b) {
  const Floats y = x * all(1.5f) + b;
  const Floats positive = y > Floats{} ? y : Floats{};
  const Floats z = positive * all(0.7f) - all(0.1f);
  const Floats least = all(-87.f);
  const Floats minus_z = -z < least ? least : -z;
  return all(1.f) / (all(1.f) + exp_of(minus_z)) * x + b;
}

enum class Stores { kPlain, kStreaming };

template <Stores kind>
void store(float* at, Floats value) {
  if constexpr (kind == Stores::kStreaming) {
#if defined(__AVX512F__)
    __builtin_ia32_movntps512(at, reinterpret_cast<__attribute__((vector_size(64))) float>(value));
    return;
#elif defined(__AVX2__)
    __builtin_ia32_movntps256(at, reinterpret_cast<__attribute__((vector_size(32))) float>(value));
    return;
#endif
  }
  *reinterpret_cast<Floats*>(at) = value;
}

template <Stores kind>
void run_chain(float* out, const float* x, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) {
    store<kind>(out + i, chain(*reinterpret_cast<const Floats*>(x + i),
                               *reinterpret_cast<const Floats*>(b + i)));
  }
  if constexpr (kind == Stores::kStreaming) __builtin_ia32_sfence();
}

// Aligned, rounded up to whole vectors, already touched.
struct Buffer {
  explicit Buffer(const std::vector<float>& values)
      : size((values.size() + kLanes - 1) / kLanes * kLanes),
        data(static_cast<float*>(std::aligned_alloc(64, (size * sizeof(float) + 63) / 64 * 64)),
             std::free) {
    std::fill_n(data.get(), size, 0.f);
    std::copy(values.begin(), values.end(), data.get());
  }
  size_t size;
  std::shared_ptr<float> data;
};

peers::Row chain_row(int64_t n) {
  const Buffer x(peers::wave(n, 1, .3)), b(peers::wave(n, 1, .5));
  const Buffer out(std::vector<float>(static_cast<size_t>(n)));
  const auto size = static_cast<int64_t>(out.size);
  const auto timed = [=](auto body) { return peers::make_row(body).block; };
  const peers::Block plain =
      timed([=] { run_chain<Stores::kPlain>(out.data.get(), x.data.get(), b.data.get(), size); });
  const peers::Block streaming = timed(
      [=] { run_chain<Stores::kStreaming>(out.data.get(), x.data.get(), b.data.get(), size); });
  plain(1);
  const peers::Checks checks = peers::checks_of({out.data.get(), out.data.get() + n});
  // Whichever kind of store is faster at this size.
  const int64_t rounds = 1 + 2'000'000 / n;
  double best[2] = {1e9, 1e9};
  for (int i = 0; i < 5; ++i) {
    best[0] = std::min(best[0], plain(rounds));
    best[1] = std::min(best[1], streaming(rounds));
  }
  return {best[0] <= best[1] ? plain : streaming, checks};
}

constexpr int64_t kProbeSteps = 20'000, kProbeChains = 12;

void multiply_and_add(float* result) {
  Floats x[kProbeChains];
  for (int64_t i = 0; i < kProbeChains; ++i) x[i] = all(static_cast<float>(i));
  const Floats factor = all(0.999f), addend = all(0.001f);
  for (int64_t step = 0; step < kProbeSteps; ++step) {
    for (Floats& v : x) v = v * factor + addend;
  }
  Floats sum = x[0];
  for (int64_t i = 1; i < kProbeChains; ++i) sum += x[i];
  *result = sum[0];
}

// Multiply-adds in registers on every thread of this side's share: what the cores do right now. An
// iteration's nanoseconds are those of the slowest thread; the check is the GFLOP/s of one core if
// an iteration took 1 ns.
peers::Row probe_row() {
  const int threads = peers::thread_share();
  return {[threads](int64_t n) {
            std::vector<double> seconds(static_cast<size_t>(threads));
            const auto work = [&](size_t i) {
              const auto begin = peers::Clock::now();
              float result = 0;
              for (int64_t k = 0; k < n; ++k) {
                multiply_and_add(&result);
                peers::keep(result);
              }
              seconds[i] = peers::seconds_since(begin);
            };
            std::vector<std::thread> others;
            for (size_t i = 1; i < seconds.size(); ++i) others.emplace_back(work, i);
            work(0);
            for (std::thread& t : others) t.join();
            return *std::max_element(seconds.begin(), seconds.end());
          },
          {2.0 * kLanes * kProbeChains * kProbeSteps}};
}

}  // namespace

int main(int argc, char** argv) {
  peers::Rows rows;
  rows["probe"] = probe_row;
  int64_t n = 1000;
  for (const char* size : {"1e3", "1e4", "1e5", "1e6", "1e7"}) {
    rows[std::string("program_chain_") + size] = [n] { return chain_row(n); };
    n *= 10;
  }
  return peers::serve(argc, argv, rows);
}
