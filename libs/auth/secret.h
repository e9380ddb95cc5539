// Memory for secrets: guarded and locked into RAM where the system allows it, overwritten with zeroes when released.
#pragma once

#include <sodium.h>

#include <cstddef>
#include <new>
#include <string_view>
#include <utility>

namespace dinh::auth {

// Move-only bytes. sodium_init must have run (SystemRandom does).
class Secret {
 public:
  Secret() = default;
  explicit Secret(size_t size) : data_(static_cast<unsigned char*>(sodium_malloc(size))), size_(size) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  Secret(Secret&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { sodium_free(data_); }

  unsigned char* data() { return data_; }
  const unsigned char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }
  // Only downwards.
  void Shrink(size_t size) {
    if (size < size_) size_ = size;
  }

 private:
  unsigned char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace dinh::auth
