// The pictures of a run, as SVG text.
#pragma once

#include <string>

#include "training.h"

// Two panels: the loss of each batch and each epoch, the test accuracy after each epoch.
[[nodiscard]] std::string training_chart(const History& history);
// True classes down, predicted classes across; each row shaded by its share.
[[nodiscard]] std::string confusion_chart(const Confusion& confusion);
