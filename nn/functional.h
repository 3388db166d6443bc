// Layers without state: the ops that networks are written in, gathered under PyTorch's name.
#pragma once

#include <tenon/runtime/ops/convolution.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/loss.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/pooling.h>
#include <tenon/runtime/ops/random.h>

namespace tenon::nn::functional {

using tenon::avg_pool2d;
using tenon::conv2d;
using tenon::cross_entropy;
using tenon::dropout;
using tenon::linear;
using tenon::log_softmax;
using tenon::max_pool2d;
using tenon::mse_loss;
using tenon::nll_loss;
using tenon::one_hot;
using tenon::relu;
using tenon::sigmoid;
using tenon::softmax;
using tenon::tanh;

}  // namespace tenon::nn::functional
