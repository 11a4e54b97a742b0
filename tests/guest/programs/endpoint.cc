// SPDX-License-Identifier: GPL-2.0-or-later
#include "endpoint.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "steps.h"

namespace guest {
namespace {

constexpr unsigned kPatienceMs = 20000;

// Registers that make it err, counted down by the device.
constexpr std::array kFaults{AE_DROP_ANSWERS,     AE_LATE_ANSWERS,  AE_WRONG_ITAGS,  AE_TWICE_ANSWERS,
                             AE_WRONG_REQUESTERS, AE_EARLY_ANSWERS, AE_SAME_INDEXES, AE_IGNORE_RESPONSES};

std::uint32_t pasid_word(const How& how) {
    if (!how.pasid) return 0;
    return AE_PASID_VALID | *how.pasid | (how.privileged ? AE_PASID_PRIV : 0) | (how.execute ? AE_PASID_EXEC : 0);
}

bool to_memory(std::uint32_t operation) {
    return operation != AE_OP_READ && operation != AE_OP_TRANSLATION_REQUEST && operation != AE_OP_PAGE_REQUEST;
}

}  // namespace

const char* code_text(unsigned code) {
    static constexpr std::array texts{"nothing",  "success",   "unsupported request", "completer abort",
                                      "time-out", "no rights", "page refused",        "response failure",
                                      "refused",  "cancelled"};
    return code < texts.size() ? texts[code] : "an unknown code";
}

Endpoint::Endpoint(volatile std::uint8_t* bar0) : bar0_{bar0} {
    check(get(AE_ID) == AE_ID_VALUE, "not an ats-endpoint: ID is " + hex(get(AE_ID)));
    for (const unsigned fault : kFaults)
        set(fault, 0);
    set(AE_CONTROL, AE_CONTROL_CLEAR_COUNTERS);
}

void Endpoint::put(std::span<const std::uint8_t> bytes, unsigned channel) {
    check(bytes.size() <= AE_WINDOW_BYTES, "more than a window");
    std::array<std::uint8_t, AE_WINDOW_BYTES> whole{};
    std::memcpy(whole.data(), bytes.data(), bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, whole.data() + at, 8);
        set64(static_cast<unsigned>(AE_WINDOW(channel) + at), word);
    }
}

void Endpoint::take(std::span<std::uint8_t> bytes, unsigned channel) const {
    check(bytes.size() <= AE_WINDOW_BYTES, "more than a window");
    std::array<std::uint8_t, AE_WINDOW_BYTES> whole{};
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        const std::uint64_t word = get64(static_cast<unsigned>(AE_WINDOW(channel) + at));
        std::memcpy(whole.data() + at, &word, 8);
    }
    std::memcpy(bytes.data(), whole.data(), bytes.size());
}

void Endpoint::start(std::uint32_t operation, std::uint64_t address, std::uint64_t bytes, const How& how) {
    const unsigned channel = AE_CHANNEL(how.channel);
    std::uint32_t word = operation | static_cast<std::uint32_t>(how.via);
    if (how.can_stall) word |= AE_OPERATION_CAN_STALL;
    set(channel + AE_OPERATION, word);
    set(channel + AE_PASID, pasid_word(how));
    set64(channel + AE_SOURCE_64, to_memory(operation & AE_OPERATION_OP) ? 0 : address);
    set64(channel + AE_DESTINATION_64, to_memory(operation & AE_OPERATION_OP) ? address : 0);
    set64(channel + AE_LENGTH_64, bytes);
    set(channel + AE_DOORBELL, AE_DOORBELL_START);
}

Result Endpoint::wait(unsigned channel) {
    for (unsigned waited = 0; busy(channel); ++waited) {
        check(waited < kPatienceMs, "channel " + std::to_string(channel) + " of the endpoint does not end");
        if (waited > 10) usleep(1000);
    }
    const unsigned at = AE_CHANNEL(channel);
    const std::uint32_t result = get(at + AE_RESULT);
    return {.code = result & AE_RESULT_CODE,
            .transactions = (result & AE_RESULT_TRANSACTIONS) >> 16,
            .done_bytes = get64(at + AE_DONE_BYTES_64),
            .fault_address = get64(at + AE_FAULT_ADDRESS_64),
            .old_value = get64(at + AE_OLD_VALUE_64)};
}

void Endpoint::cancel(unsigned channel) {
    set(AE_CHANNEL(channel) + AE_DOORBELL, AE_DOORBELL_CANCEL);
    wait(channel);
}

Result Endpoint::read(std::uint64_t address, std::span<std::uint8_t> bytes, const How& how) {
    start(AE_OP_READ, address, bytes.size(), how);
    const Result result = wait(how.channel);
    if (result.good()) take(bytes, how.channel);
    return result;
}

Result Endpoint::write(std::uint64_t address, std::span<const std::uint8_t> bytes, const How& how) {
    put(bytes, how.channel);
    start(AE_OP_WRITE, address, bytes.size(), how);
    return wait(how.channel);
}

Result Endpoint::fetch_add(std::uint64_t address, std::uint64_t operand, const How& how) {
    set64(AE_CHANNEL(how.channel) + AE_OPERAND_64, operand);
    start(AE_OP_FETCH_ADD | AE_OPERATION_EIGHT, address, 8, how);
    return wait(how.channel);
}

std::optional<Translation> Endpoint::translate(std::uint64_t address, const How& how, bool no_write) {
    start(AE_OP_TRANSLATION_REQUEST | (no_write ? AE_OPERATION_NW : 0), address, 8, how);
    wait(how.channel);
    const std::uint32_t flags = get(AE_CHANNEL(how.channel) + AE_TRANSLATION_FLAGS);
    if ((flags & AE_TRANSLATION_FLAGS_VALID) == 0 || (flags & AE_TRANSLATION_FLAGS_STATUS) != 0) return std::nullopt;
    return Translation{.status = flags & AE_TRANSLATION_FLAGS_STATUS,
                       .address = get64(AE_CHANNEL(how.channel) + AE_TRANSLATION_ADDRESS_64),
                       .size_log2 = (flags & AE_TRANSLATION_FLAGS_SIZE_LOG2) >> 16,
                       .read = (flags & AE_TRANSLATION_FLAGS_R) != 0,
                       .write = (flags & AE_TRANSLATION_FLAGS_W) != 0,
                       .execute = (flags & AE_TRANSLATION_FLAGS_EXE) != 0,
                       .privileged = (flags & AE_TRANSLATION_FLAGS_PRIV) != 0,
                       .global = (flags & AE_TRANSLATION_FLAGS_GLOBAL) != 0,
                       .untranslated_only = (flags & AE_TRANSLATION_FLAGS_U) != 0};
}

Result Endpoint::page_request(std::uint64_t address, std::uint32_t pages, const How& how) {
    set(AE_CHANNEL(how.channel) + AE_PAGES, pages | AE_PAGES_AUTO);
    start(AE_OP_PAGE_REQUEST, address, 8, how);
    return wait(how.channel);
}

}  // namespace guest
