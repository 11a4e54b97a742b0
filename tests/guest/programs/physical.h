// SPDX-License-Identifier: GPL-2.0-or-later
// Physical: a piece of the machine's address space, as the processor sees it (/dev/mem): the unit's registers, and the
// memory that they point to.
#pragma once

#include <cstdint>

namespace guest {

class Physical {
  public:
    // Registers are mapped without caching, memory with it.
    enum class Kind { Registers, Memory };

    Physical(std::uint64_t address, std::uint64_t bytes, Kind kind = Kind::Registers);
    ~Physical();
    Physical(const Physical&) = delete;
    Physical& operator=(const Physical&) = delete;

    [[nodiscard]] std::uint32_t get(std::uint64_t offset) const {
        return *reinterpret_cast<const volatile std::uint32_t*>(data_ + offset);
    }
    [[nodiscard]] std::uint64_t get64(std::uint64_t offset) const {
        return *reinterpret_cast<const volatile std::uint64_t*>(data_ + offset);
    }
    void set(std::uint64_t offset, std::uint32_t value) {
        *reinterpret_cast<volatile std::uint32_t*>(data_ + offset) = value;
    }

  private:
    volatile std::uint8_t* data_ = nullptr;
    std::uint64_t bytes_;
};

// Where the registers of the machine's unit begin.
std::uint64_t unit_address();

}  // namespace guest
