// A stream: commands gathered in a command buffer, submitted in batches, and the timeline of those.
#ifndef TENON_PLUGINS_VULKAN_STREAM_H
#define TENON_PLUGINS_VULKAN_STREAM_H

#include <deque>

#include "kernel.h"
#include "staging.h"
#include "timeline.h"

namespace tenon::vulkan {

class Stream final : private Recorder {
 public:
  explicit Stream(std::shared_ptr<Gpu> gpu);
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void launch(Kernel& kernel, const plugin::Launch& launch);
  void upload(Buffer& target, uint64_t offset, const void* source, uint64_t size, uint32_t flags);
  void download(Buffer& source, uint64_t offset, void* target, uint64_t size);
  void sync();
  uint64_t record();
  plugin::Event query(uint64_t value);
  bool wait(uint64_t value, uint64_t timeout_ns);
  void wait_for(Stream& other, uint64_t value);

 private:
  struct Commands {
    VkCommandBuffer buffer;
    uint64_t submit;
  };
  struct Wait {
    std::shared_ptr<Timeline> other;
    uint64_t number;
  };

  void dispatch(VkPipeline pipeline, const Words& words, uint64_t groups,
                std::span<const Range> ranges) override;
  std::pair<VkDeviceAddress, uint32_t> bad_index() override;

  void create();
  void begin();
  void order(std::span<const Range> ranges);
  void barrier();
  void finish_command();
  void flush();
  void flush_to(uint64_t value);
  void check_recorded(uint64_t value) const;
  Slice stage(uint64_t size_bytes);

  const std::shared_ptr<Gpu> gpu_;
  const std::shared_ptr<Timeline> timeline_;
  std::mutex mutex_;  // of all below: events may be asked for by other threads
  Staging staging_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::deque<Commands> used_;                  // oldest first
  VkCommandBuffer commands_ = VK_NULL_HANDLE;  // being recorded
  uint64_t submitted_ = 0;                     // number of the last submit
  uint64_t recorded_ = 0;                      // commands in commands_
  uint64_t staged_bytes_ = 0;                  // since the last submit
  uint64_t batch_;                             // commands that make a submit worth while
  uint64_t launches_ = 0;
  uint64_t tag_ = 0;  // of the launch being recorded
  Hazards hazards_;
  VkPipeline bound_ = VK_NULL_HANDLE;
  std::vector<Wait> waits_;  // of the next submit
};

}  // namespace tenon::vulkan

#endif
