// Our side of the comparison.
#include "ours.h"

#include "rows_models.h"
#include "rows_overhead.h"
#include "rows_pointwise.h"
#include "rows_products.h"
#include "rows_programs.h"

int main(int argc, char** argv) {
  peers::Rows rows;
  peers::add_overhead_rows(rows);
  peers::add_pointwise_rows(rows);
  peers::add_product_rows(rows);
  peers::add_model_rows(rows);
  peers::add_program_rows(rows);
  return peers::serve(argc, argv, rows);
}
