// Rows of matrix products and convolutions; openblas.cpp and onednn.cpp have them too. One source
// for Tenon and libtorch.
#pragma once

#include "rows_overhead.h"
#include "shapes.h"

namespace peers {

inline void add_product_rows(Rows& rows) {
  for (const Product& p : products()) {
    rows[p.name] = [p] {
      const Tensor a = data({p.m, p.k}, 1, .3);
      const Tensor b = data({p.k, p.n}, 1, .5);
      return computing([a, b] { return a.mm(b); });
    };
    rows[p.name + "_nt"] = [p] {
      const Tensor a = data({p.m, p.k}, 1, .3);
      const Tensor b = data({p.n, p.k}, 1, .5);
      return computing([a, b] { return a.mm(b.t()); });
    };
  }
  for (const Convolution& c : convolutions()) {
    rows[c.name] = [c] {
      const Tensor x = data({c.batch, c.in, c.size, c.size}, 1, .3);
      const Tensor w = data({c.out, c.in, c.kernel, c.kernel}, .1, .5);
      return computing([x, w, c] { return conv(x, w, c.stride, c.padding); });
    };
  }
}

}  // namespace peers
