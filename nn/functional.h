// Layers without state: the ops that networks are written in, gathered under PyTorch's name.
#pragma once

#include <tenon/runtime/ops/attention.h>
#include <tenon/runtime/ops/convolution.h>
#include <tenon/runtime/ops/elementwise.h>
#include <tenon/runtime/ops/indexing.h>
#include <tenon/runtime/ops/loss.h>
#include <tenon/runtime/ops/matmul.h>
#include <tenon/runtime/ops/normalization.h>
#include <tenon/runtime/ops/pooling.h>
#include <tenon/runtime/ops/random.h>

namespace tenon::nn::functional {

using tenon::adaptive_avg_pool1d;
using tenon::adaptive_avg_pool2d;
using tenon::adaptive_max_pool1d;
using tenon::adaptive_max_pool2d;
using tenon::avg_pool1d;
using tenon::avg_pool2d;
using tenon::batch_norm;
using tenon::bilinear;
using tenon::binary_cross_entropy;
using tenon::binary_cross_entropy_with_logits;
using tenon::conv1d;
using tenon::conv2d;
using tenon::conv3d;
using tenon::conv_transpose1d;
using tenon::conv_transpose2d;
using tenon::cosine_embedding_loss;
using tenon::cosine_similarity;
using tenon::cross_entropy;
using tenon::dropout;
using tenon::embedding;
using tenon::gaussian_nll_loss;
using tenon::group_norm;
using tenon::hinge_embedding_loss;
using tenon::huber_loss;
using tenon::instance_norm;
using tenon::interpolate;
using tenon::kl_div;
using tenon::l1_loss;
using tenon::layer_norm;
using tenon::linear;
using tenon::local_response_norm;
using tenon::log_softmax;
using tenon::lp_pool2d;
using tenon::margin_ranking_loss;
using tenon::max_pool1d;
using tenon::max_pool2d;
using tenon::max_unpool2d;
using tenon::mse_loss;
using tenon::multi_margin_loss;
using tenon::multilabel_soft_margin_loss;
using tenon::nll_loss;
using tenon::normalize;
using tenon::one_hot;
using tenon::pairwise_distance;
using tenon::poisson_nll_loss;
using tenon::relu;
using tenon::rms_norm;
using tenon::scaled_dot_product_attention;
using tenon::sigmoid;
using tenon::silu;
using tenon::smooth_l1_loss;
using tenon::soft_margin_loss;
using tenon::softmax;
using tenon::softmin;
using tenon::tanh;
using tenon::triplet_margin_loss;

}  // namespace tenon::nn::functional
