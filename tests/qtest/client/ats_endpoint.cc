// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/ats_endpoint.h"

#include "client/eventually.h"

namespace qtest {
namespace {

constexpr std::uint16_t ats_capability = 0x0f;
constexpr std::uint16_t pri_capability = 0x13;
constexpr std::uint16_t pasid_capability = 0x1b;

// Of a channel.
constexpr std::uint32_t doorbell = 0x00, status = 0x04, operation_word = 0x08, pasid = 0x0c, source = 0x10,
                        destination = 0x18, length = 0x20, pages = 0x38, result = 0x40, translation_address = 0x68,
                        translation_flags = 0x70;

std::uint16_t place_of(const PciFunction& function, std::uint16_t capability) {
    const auto found = function.find_extended_capability(capability);
    if (!found) throw ProcessError("the endpoint lacks a capability");
    return *found;
}

}  // namespace

AtsEndpoint::AtsEndpoint(Qtest& qtest, const PciFunction& function)
    : qtest_(&qtest), function_(function), bar_(function.map_bar(0)) {
    function_.enable_bus_mastering();
    set64(endpoint_reg::answer_delay_ns, 0);
}

void AtsEndpoint::enable_ats(bool on) const {
    function_.config_writew(static_cast<std::uint16_t>(place_of(function_, ats_capability) + 6), on ? 0x8000 : 0);
}

void AtsEndpoint::enable_pri(std::uint32_t outstanding) const {
    const std::uint16_t at = place_of(function_, pri_capability);
    function_.config_writel(static_cast<std::uint16_t>(at + 12), outstanding);
    function_.config_writew(static_cast<std::uint16_t>(at + 4), 1);
}

void AtsEndpoint::enable_pasid() const {
    function_.config_writew(static_cast<std::uint16_t>(place_of(function_, pasid_capability) + 6), 7);
}

void AtsEndpoint::reset_function() const {
    const auto express = function_.find_capability(0x10);
    if (!express) throw ProcessError("the endpoint lacks a capability");
    const auto control = static_cast<std::uint16_t>(*express + 8);
    function_.config_writew(control, static_cast<std::uint16_t>(function_.config_readw(control) | 0x8000));
}

void AtsEndpoint::start(const EndpointOperation& operation, unsigned channel) {
    const auto at = [&](std::uint32_t offset) { return channel_register(channel, offset); };
    const auto op = static_cast<std::uint32_t>(operation.op) | static_cast<std::uint32_t>(operation.via) << 8 |
                    (operation.no_write ? 1u << 12 : 0u) | (operation.can_stall ? 1u << 14 : 0u);
    qtest_->writel(at(operation_word), op);
    qtest_->writel(at(pasid), operation.pasid);
    qtest_->writeq(at(source), operation.source);
    qtest_->writeq(at(destination), operation.destination);
    qtest_->writeq(at(length), operation.length);
    qtest_->writel(at(pages), operation.pages);
    qtest_->writel(at(doorbell), 1);
}

bool AtsEndpoint::busy(unsigned channel) { return (qtest_->readl(channel_register(channel, status)) & 1) != 0; }

bool AtsEndpoint::stalled(unsigned channel) { return (qtest_->readl(channel_register(channel, status)) & 2) != 0; }

bool AtsEndpoint::waits_for_response(unsigned channel) {
    return (qtest_->readl(channel_register(channel, status)) & 4) != 0;
}

Code AtsEndpoint::finish(unsigned channel) {
    if (!eventually([&] { return !busy(channel); })) return Code::None;
    return static_cast<Code>(qtest_->readl(channel_register(channel, result)) & 0xff);
}

Code AtsEndpoint::run(const EndpointOperation& operation, unsigned channel) {
    start(operation, channel);
    return finish(channel);
}

unsigned AtsEndpoint::reason(unsigned channel) { return qtest_->readl(channel_register(channel, result)) >> 8 & 0xff; }

EndpointTranslation AtsEndpoint::translation(unsigned channel) {
    const std::uint32_t flags = qtest_->readl(channel_register(channel, translation_flags));
    const auto set = [flags](unsigned position) { return (flags >> position & 1) != 0; };
    if (!set(31)) throw ProcessError("the endpoint has no answer to a translation request");
    return {.status = flags & 3,
            .read = set(4),
            .write = set(5),
            .execute = set(6),
            .privileged = set(7),
            .global = set(8),
            .untranslated = set(9),
            .no_snoop = set(10),
            .size_log2 = flags >> 16 & 0x7f,
            .address = qtest_->readq(channel_register(channel, translation_address))};
}

}  // namespace qtest
