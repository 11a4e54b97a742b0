// SPDX-License-Identifier: GPL-2.0-or-later
//
// input: the fuzzer's bytes, read as numbers. Past the end everything is 0, so every input means something.
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace fuzz {

class Input {
  public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const { return at_ >= bytes_.size(); }
    // Little-endian.
    std::uint64_t number(unsigned size) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < size && !empty(); ++i)
            value |= std::uint64_t{bytes_[at_++]} << 8 * i;
        return value;
    }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

}  // namespace fuzz

#endif  // TESTS_FUZZ_INPUT_H
