// SPDX-License-Identifier: GPL-2.0-or-later
//
// Event: one record of the event queue, and what a record should say.
//
//     CHECK(guest.take_events() == one(event::translation(guest.stream(), 0x1000, Access::Read)));
#ifndef QTEST_SMMUV3_EVENT_H
#define QTEST_SMMUV3_EVENT_H

#include <catch2/catch_tostring.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "smmuv3/words.h"

namespace smmu_driver {

using Event = Structure<4>;
using Events = std::vector<Event>;

enum class Access : std::uint8_t { Write = 0, Read = 1 };                             // as RnW says it
enum class Class : std::uint8_t { Descriptor = 0, TranslationTable = 1, Input = 2 };  // as CLASS says it

[[nodiscard]] inline Events one(const Event& event) { return {event}; }

// Of a request without SubstreamID, of a device that is neither privileged nor fetches instructions. Whatever the
// manual gives no value is 0.
namespace event {

inline constexpr unsigned C_BAD_STREAMID = 0x02;
inline constexpr unsigned F_STE_FETCH = 0x03;
inline constexpr unsigned C_BAD_STE = 0x04;
inline constexpr unsigned F_BAD_ATS_TREQ = 0x05;
inline constexpr unsigned F_STREAM_DISABLED = 0x06;
inline constexpr unsigned F_TRANSL_FORBIDDEN = 0x07;
inline constexpr unsigned C_BAD_SUBSTREAMID = 0x08;
inline constexpr unsigned F_CD_FETCH = 0x09;
inline constexpr unsigned C_BAD_CD = 0x0a;
inline constexpr unsigned F_WALK_EABT = 0x0b;
inline constexpr unsigned F_TRANSLATION = 0x10;
inline constexpr unsigned F_ADDR_SIZE = 0x11;
inline constexpr unsigned F_ACCESS = 0x12;
inline constexpr unsigned F_PERMISSION = 0x13;

[[nodiscard]] inline Event of_stream(unsigned number, std::uint32_t stream) {
    return Event{}.set(7, 0, number).set(63, 32, stream);
}
[[nodiscard]] inline Event of_fetch(unsigned number, std::uint32_t stream, std::uint64_t fetched) {
    return of_stream(number, stream).set(247, 195, fetched >> 3);
}
// Of stage 1, about the input address.
[[nodiscard]] inline Event of_access(unsigned number, std::uint32_t stream, std::uint64_t address, Access access) {
    return of_stream(number, stream)
        .set(99, 99, static_cast<std::uint64_t>(access))
        .set(105, 104, static_cast<std::uint64_t>(Class::Input))
        .set(191, 128, address);
}
// Of one with a SubstreamID.
[[nodiscard]] inline Event with_substream(Event event, std::uint32_t substream) {
    return event.set(11, 11, 1).set(31, 12, substream);
}
// The access waits for CMD_RESUME with this tag.
[[nodiscard]] inline Event stalled(Event event, unsigned stag) { return event.set(95, 95, 1).set(79, 64, stag); }
[[nodiscard]] inline unsigned stag(const Event& event) { return static_cast<unsigned>(event.get(79, 64)); }
// The same of stage 2: it did not like `ipa`, which was needed for this.
[[nodiscard]] inline Event by_stage_2(Event event, Class needed_for, std::uint64_t ipa) {
    return event.set(103, 103, 1).set(105, 104, static_cast<std::uint64_t>(needed_for)).set(247, 204, ipa >> 12);
}

}  // namespace event
}  // namespace smmu_driver

namespace Catch {
template <>
struct StringMaker<smmu_driver::Event> {
    static std::string convert(const smmu_driver::Event& record) {
        std::string text = "{";
        for (const std::uint64_t word : record.words)
            text += " " + StringMaker<std::uint64_t>::convert(word);
        return text + " }";
    }
};
}  // namespace Catch

#endif  // QTEST_SMMUV3_EVENT_H
