#include "charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using tenon::data::FashionMnist;

namespace {

constexpr const char* kBlue = "#1f6fb4";
constexpr const char* kPale = "#a9c9e6";
constexpr const char* kInk = "#333333";

struct Point {
  double x = 0, y = 0;
};

struct Range {
  double low = 0, high = 1;
};

// Where a panel lies on the picture and what it shows.
struct Panel {
  double left, top, width, height;
  Range x, y;
  [[nodiscard]] Point place(const Point& p) const {
    return {left + width * (p.x - x.low) / (x.high - x.low),
            top + height * (1 - (p.y - y.low) / (y.high - y.low))};
  }
};

template <class... Numbers>
std::string format(const char* pattern, Numbers... numbers) {
  char buffer[512];
  std::snprintf(buffer, sizeof buffer, pattern, numbers...);
  return buffer;
}

std::string text_at(double x, double y, const std::string& text, const char* more = "") {
  return format("<text x='%.1f' y='%.1f' %s>", x, y, more) + text + "</text>\n";
}

// 1, 2 or 5 times a power of ten, so that about `count` steps fill the range.
double nice_step(const Range& range, int count) {
  const double raw = (range.high - range.low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw) return factor * power;
  return 10 * power;
}

std::string axes(const Panel& p, const std::string& title, const std::string& x_label,
                 const std::string& y_label) {
  std::string svg;
  const double bottom = p.top + p.height;
  const double y_step = nice_step(p.y, 6), x_step = std::max(1.0, nice_step(p.x, 8));
  for (double y = std::ceil(p.y.low / y_step - 1e-9) * y_step; y <= p.y.high + 1e-9; y += y_step) {
    const double at = p.place({p.x.low, y}).y;
    svg += format("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#e4e4e4'/>\n", p.left,
                  p.left + p.width, at, at);
    svg += text_at(p.left - 8, at + 4, format("%g", y + 0.0), "text-anchor='end'");
  }
  for (double x = std::ceil(p.x.low / x_step - 1e-9) * x_step; x <= p.x.high + 1e-9; x += x_step)
    svg += text_at(p.place({x, p.y.low}).x, bottom + 18, format("%g", x + 0.0),
                   "text-anchor='middle'");
  svg += format("<path d='M%.1f %.1fV%.1fH%.1f' fill='none' stroke='%s'/>\n", p.left, p.top, bottom,
                p.left + p.width, kInk);
  svg += text_at(p.left + p.width / 2, p.top - 16, title, "text-anchor='middle' font-size='15'");
  svg += text_at(p.left + p.width / 2, bottom + 38, x_label, "text-anchor='middle'");
  svg += format("<g transform='translate(%.1f %.1f) rotate(-90)'>", p.left - 48,
                p.top + p.height / 2) +
         text_at(0, 0, y_label, "text-anchor='middle'") + "</g>\n";
  return svg;
}

std::string line(const Panel& p, const std::vector<Point>& points, const char* colour, double width,
                 bool dots) {
  std::string path, marks;
  for (const Point& point : points) {
    const Point at = p.place({point.x, std::clamp(point.y, p.y.low, p.y.high)});
    path += format("%s%.1f %.1f", path.empty() ? "M" : "L", at.x, at.y);
    if (dots)
      marks += format("<circle cx='%.1f' cy='%.1f' r='3.5' fill='%s'/>\n", at.x, at.y, colour);
  }
  return "<path d='" + path + "' fill='none' " +
         format("stroke='%s' stroke-width='%.1f' stroke-linejoin='round'/>\n", colour, width) +
         marks;
}

std::string picture(double width, double height, const std::string& body) {
  return format(
             "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
             "viewBox='0 0 %.0f %.0f' font-family='sans-serif' font-size='12' fill='%s'>\n",
             width, height, width, height, kInk) +
         format("<rect width='%.0f' height='%.0f' fill='white'/>\n", width, height) + body +
         "</svg>\n";
}

// At most `limit` points, each the mean of its neighbours; x in epochs.
std::vector<Point> thinned(const std::vector<float>& values, double per_epoch, size_t limit) {
  std::vector<Point> points;
  const size_t group = std::max<size_t>(1, (values.size() + limit - 1) / limit);
  for (size_t begin = 0; begin < values.size(); begin += group) {
    const size_t end = std::min(values.size(), begin + group);
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]);
    points.push_back(
        {static_cast<double>(begin + end) / 2 / per_epoch, sum / static_cast<double>(end - begin)});
  }
  return points;
}

std::vector<Point> by_epoch(const std::vector<float>& values, double shift) {
  std::vector<Point> points;
  for (size_t i = 0; i < values.size(); ++i)
    points.push_back({static_cast<double>(i) + shift, static_cast<double>(values[i])});
  return points;
}

Range around(const std::vector<Point>& points, double low_limit, double high_limit) {
  Range range{high_limit, low_limit};
  for (const Point& p : points) {
    range.low = std::min(range.low, p.y);
    range.high = std::max(range.high, p.y);
  }
  const double step = nice_step({0, std::max(range.high - range.low, 0.02)}, 6);
  return {std::max(low_limit, std::floor(range.low / step - 0.2) * step),
          std::min(high_limit, std::ceil(range.high / step + 0.2) * step)};
}

std::string cell(double x, double y, double size, int64_t count, double share) {
  const auto fade = [&](int dark) { return static_cast<int>(255 - (255 - dark) * share); };
  return format("<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='rgb(%d,%d,%d)'/>\n", x, y,
                size - 1, size - 1, fade(0x1f), fade(0x6f), fade(0xb4)) +
         text_at(x + size / 2, y + size / 2 + 4, std::to_string(count),
                 share > 0.55 ? "text-anchor='middle' fill='white'" : "text-anchor='middle'");
}

}  // namespace

std::string training_chart(const History& history) {
  const double epochs = std::max<double>(1, static_cast<double>(history.epoch_losses.size()));
  const double per_epoch = static_cast<double>(history.step_losses.size()) / epochs;
  const std::vector<Point> steps = thinned(history.step_losses, std::max(per_epoch, 1.0), 400);
  const std::vector<Point> means = by_epoch(history.epoch_losses, 0.5);
  const std::vector<Point> accuracies = by_epoch(history.test_accuracies, 1);
  const Panel loss{70, 50, 380, 260, {0, epochs}, around(steps, 0, 1e9)};
  const Panel accuracy{560, 50, 380, 260, {0, epochs}, around(accuracies, 0, 1)};

  std::string body = axes(loss, "Training loss", "epoch", "cross-entropy");
  body += line(loss, steps, kPale, 1.2, false) + line(loss, means, kBlue, 2, true);
  body += text_at(440, 68, "pale: batches, dots: mean of each epoch", "text-anchor='end'");
  body += axes(accuracy, "Test accuracy", "epoch", "share of images recognised");
  body += line(accuracy, accuracies, kBlue, 2, true);
  if (!accuracies.empty()) {
    const Point last = accuracy.place(accuracies.back());
    body += text_at(last.x, last.y - 10, format("%.4f", accuracies.back().y), "text-anchor='end'");
  }
  return picture(970, 370, body);
}

std::string confusion_chart(const Confusion& confusion) {
  constexpr double kLeft = 110, kTop = 110, kCell = 52;
  std::string body;
  const double centre = kLeft + kCell * kClasses / 2;
  body += text_at(centre, 24, "Confusion matrix of the test images",
                  "text-anchor='middle' font-size='15'");
  body += text_at(centre, 46, "predicted class", "text-anchor='middle'");
  body += format("<g transform='translate(20 %.1f) rotate(-90)'>", kTop + kCell * kClasses / 2) +
          text_at(0, 0, "true class", "text-anchor='middle'") + "</g>\n";
  for (size_t row = 0; row < kClasses; ++row) {
    const double y = kTop + kCell * static_cast<double>(row);
    const double x = kLeft + kCell * static_cast<double>(row);
    const char* const name = FashionMnist::kClassNames[row];
    body += text_at(kLeft - 10, y + kCell / 2 + 4, name, "text-anchor='end'");
    body += format("<g transform='translate(%.1f %.1f) rotate(-35)'>", x + kCell / 2, kTop - 8) +
            text_at(0, 0, name) + "</g>\n";
    int64_t all = 0;
    for (const int64_t count : confusion[row]) all += count;
    for (size_t column = 0; column < kClasses; ++column) {
      const int64_t count = confusion[row][column];
      const double share = all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0;
      body += cell(kLeft + kCell * static_cast<double>(column), y, kCell, count, share);
    }
  }
  return picture(kLeft + kCell * kClasses + 50, kTop + kCell * kClasses + 30, body);
}
