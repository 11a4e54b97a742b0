// SPDX-License-Identifier: GPL-2.0-or-later
// Endpoint: drives an ats-endpoint by its mapped BAR 0, whoever mapped it.
//
// A transfer moves bytes between memory and the channel's window inside the device (4 KiB). Every transfer is one
// operation; the endpoint cuts it at 4 KiB blocks. An access is over when start() was followed by wait(); read() and
// write() do both. Offsets and constants: ats-endpoint-regs.h, docs/endpoint-registers.md.
#pragma once

#include <ats-endpoint-regs.h>

#include <cstdint>
#include <optional>
#include <span>

namespace guest {

enum class Via : std::uint32_t { Untranslated = AE_VIA_UNTRANSLATED, Atc = AE_VIA_ATC, Translated = AE_VIA_TRANSLATED };

// How an access is made.
struct How {
    Via via = Via::Untranslated;
    std::optional<std::uint32_t> pasid = std::nullopt;
    bool privileged = false;  // with a PASID
    bool execute = false;     // with a PASID
    bool can_stall = false;
    unsigned channel = 0;
};

// What became of an operation.
struct Result {
    unsigned code = AE_CODE_NONE;  // AE_CODE_*
    unsigned transactions = 0;
    std::uint64_t done_bytes = 0;
    std::uint64_t fault_address = 0;
    std::uint64_t old_value = 0;

    [[nodiscard]] bool good() const { return code == AE_CODE_SUCCESS; }
};

// "unsupported request", for messages.
const char* code_text(unsigned code);

// The answer to a translation request.
struct Translation {
    unsigned status = 0;
    std::uint64_t address = 0;
    unsigned size_log2 = 0;
    bool read = false, write = false, execute = false, privileged = false, global = false, untranslated_only = false;
};

class Endpoint {
  public:
    // Fails the step if this is not an ats-endpoint. Sets its counters to 0 and takes back every fault.
    explicit Endpoint(volatile std::uint8_t* bar0);

    [[nodiscard]] std::uint32_t get(unsigned offset) const {
        return *reinterpret_cast<volatile std::uint32_t*>(bar0_ + offset);
    }
    [[nodiscard]] std::uint64_t get64(unsigned offset) const {
        return *reinterpret_cast<volatile std::uint64_t*>(bar0_ + offset);
    }
    void set(unsigned offset, std::uint32_t value) {
        *reinterpret_cast<volatile std::uint32_t*>(bar0_ + offset) = value;
    }
    void set64(unsigned offset, std::uint64_t value) {
        *reinterpret_cast<volatile std::uint64_t*>(bar0_ + offset) = value;
    }

    [[nodiscard]] bool enabled(std::uint32_t enables) const { return (get(AE_ENABLES) & enables) == enables; }

    Result read(std::uint64_t address, std::span<std::uint8_t> bytes, const How& how = {});
    Result write(std::uint64_t address, std::span<const std::uint8_t> bytes, const How& how = {});
    // Eight bytes; fetch-and-add.
    Result fetch_add(std::uint64_t address, std::uint64_t operand, const How& how = {});
    // A translation request (no_write: NW=1); nothing comes back when the unit refused it.
    std::optional<Translation> translate(std::uint64_t address, const How& how = {}, bool no_write = false);
    // A group of page requests; AE_PAGES_* without the index, which the device chooses. Waits for the response if told
    // to.
    Result page_request(std::uint64_t address, std::uint32_t pages, const How& how = {});

    // Without waiting: `operation` is AE_OP_*. wait() fails the step after some seconds.
    void start(std::uint32_t operation, std::uint64_t address, std::uint64_t bytes, const How& how);
    Result wait(unsigned channel = 0);
    [[nodiscard]] bool busy(unsigned channel = 0) const {
        return (get(AE_CHANNEL(channel) + AE_STATUS) & AE_STATUS_BUSY) != 0;
    }
    // Ends what is running there.
    void cancel(unsigned channel = 0);

    // The channel's window.
    void put(std::span<const std::uint8_t> bytes, unsigned channel = 0);
    void take(std::span<std::uint8_t> bytes, unsigned channel = 0) const;

  private:
    volatile std::uint8_t* bar0_;
};

}  // namespace guest
