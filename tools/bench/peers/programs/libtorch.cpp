// libtorch's side of the comparison.
#include "libtorch.h"

#include "rows_models.h"
#include "rows_overhead.h"
#include "rows_pointwise.h"
#include "rows_products.h"

int main(int argc, char** argv) {
  // ATen's threads; OpenBLAS and MKL read the environment themselves.
  at::set_num_threads(peers::thread_share());
  peers::Rows rows;
  peers::add_overhead_rows(rows);
  peers::add_pointwise_rows(rows);
  peers::add_product_rows(rows);
  peers::add_model_rows(rows);
  return peers::serve(argc, argv, rows);
}
