// Every op.
#pragma once

#include <tenon/runtime/ops/activation.h>
#include <tenon/runtime/ops/attention.h>
#include <tenon/runtime/ops/convolution.h>
#include <tenon/runtime/ops/copy.h>
#include <tenon/runtime/ops/creation.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/loss.h>
#include <tenon/runtime/ops/manipulation.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/normalization.h>
#include <tenon/runtime/ops/pooling.h>
#include <tenon/runtime/ops/random.h>
#include <tenon/runtime/ops/reduction.h>
#include <tenon/runtime/ops/sorting.h>
#include <tenon/runtime/ops/view.h>
