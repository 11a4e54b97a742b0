// SPDX-License-Identifier: GPL-2.0-or-later
//
// RegisterFile: a frame of registers as a component of its own.
//
// It knows where registers are and which bits software may change, both taken from their layouts; what a write *means*
// is told back as a value and decided by the unit.
//
//     RegisterFile registers({spec_of<GCMD>(), spec_of<FSTS>(), ...}, 0x1000);
//     if (const auto write = registers.write(offset, 4, value)) ... switch (write->offset) ...
//     registers.get<FSTS>().get<FSTS::IQE>();
//
// Accesses: 4 or 8 bytes, aligned to their size. A 64-bit register takes 8 bytes or either half; an 8-byte access to
// two 32-bit registers is two accesses, low one first (`splits`). Any other access reads 0 and changes nothing, and so
// does one to a place where no register is: a register whose capability is missing is simply not listed. Bits: RW keep
// what is written; RW1C are cleared by writing 1; WO are kept for the unit and read as 0; the rest are hardware's. A
// half that is not written keeps all of its bits.
//
// Threads: none here; the owner's lock protects it.
#ifndef IOMMU_REGISTER_FILE_H
#define IOMMU_REGISTER_FILE_H

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "iommu/bits.h"

namespace iommu {

struct RegisterSpec {
    std::string_view name;
    std::uint32_t offset = 0;
    std::uint8_t size = 0;  // 4 or 8
    std::uint64_t reset = 0;
    std::uint64_t rw = 0;
    std::uint64_t rw1c = 0;
    std::uint64_t wo = 0;
    std::span<const FieldInfo> fields;
};

// The spec of register `R` at `offset`, with `reset` as the value after reset.
template <class R>
[[nodiscard]] constexpr RegisterSpec spec_at(std::uint32_t offset, std::uint64_t reset = 0) {
    using L = typename R::layout;
    return {.name = R::name,
            .offset = offset,
            .size = sizeof(typename L::Storage),
            .reset = reset,
            .rw = L::mask(RW)[0],
            .rw1c = L::mask(RW1C)[0],
            .wo = L::mask(WO)[0],
            .fields = L::fields};
}
template <class R>
[[nodiscard]] constexpr RegisterSpec spec_of(std::uint64_t reset = 0) {
    return spec_at<R>(R::offset, reset);
}

// What a write did.
struct RegisterWrite {
    std::uint32_t offset = 0;  // of the register, not of the access
    std::uint64_t before = 0;  // register contents
    std::uint64_t after = 0;
    std::uint64_t written = 0;  // the value as written, at its place in the register; 0 in bytes not written
    std::uint64_t lanes = 0;    // ones in the bytes that were written

    template <class R>
    [[nodiscard]] Value<R> as() const {
        return Value<R>{static_cast<typename R::layout::Storage>(after)};
    }
    // Whether the access wrote a 1 to the field.
    template <class R, class F>
    [[nodiscard]] bool wrote_one() const {
        static_assert(R::layout::template has<F> && F::width == 1);
        return (written & F::mask) != 0;
    }
};

class RegisterFile {
  public:
    // Specs must not overlap and lie inside the frame of `bytes`.
    explicit RegisterFile(std::vector<RegisterSpec> specs, std::uint32_t bytes = 0x1000);

    [[nodiscard]] std::uint64_t read(std::uint64_t offset, unsigned size) const;
    // Applies the write's bits. nullopt when nothing was there. Must not be called when `splits`.
    std::optional<RegisterWrite> write(std::uint64_t offset, unsigned size, std::uint64_t value);
    // An 8-byte access that does not meet one 64-bit register.
    [[nodiscard]] bool splits(std::uint64_t offset, unsigned size) const;

    // The unit's own view: all bits, no access rules. A register that is not listed reads 0.
    template <class R>
    [[nodiscard]] Value<R> get(std::uint32_t offset = R::offset) const {
        return Value<R>{static_cast<typename R::layout::Storage>(value_at(offset))};
    }
    template <class R>
    void set(const Value<R>& value, std::uint32_t offset = R::offset) {
        set_value_at(offset, value.raw());
    }

    // A register by its offset, which must be one; for what is common to many.
    void set_raw(std::uint32_t offset, std::uint64_t value) { set_value_at(offset, value); }
    [[nodiscard]] const RegisterSpec& spec(std::uint32_t offset) const;

    void reset();

    [[nodiscard]] std::span<const RegisterSpec> specs() const { return specs_; }
    [[nodiscard]] std::span<const std::uint64_t> values() const { return values_; }
    // Takes over saved values, in the order of specs().
    void restore(std::span<const std::uint64_t> values);

  private:
    static constexpr std::uint8_t kNone = 0xff;

    [[nodiscard]] std::uint64_t value_at(std::uint32_t offset) const {
        const std::uint8_t index = index_at(offset);
        return index == kNone ? 0 : values_[index];
    }
    void set_value_at(std::uint32_t offset, std::uint64_t value);
    [[nodiscard]] std::uint8_t index_at(std::uint64_t offset) const { return index_[offset / 4]; }
    [[nodiscard]] bool well_formed(std::uint64_t offset, unsigned size) const;

    std::vector<RegisterSpec> specs_;
    std::vector<std::uint64_t> values_;
    std::vector<std::uint8_t> index_;  // by offset / 4
};

}  // namespace iommu

#endif  // IOMMU_REGISTER_FILE_H
