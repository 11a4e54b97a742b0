// SPDX-License-Identifier: GPL-2.0-or-later
#include "vtd/guest.h"

namespace vtd_driver {
namespace {

qtest::QemuOptions options_for(const GuestOptions& options) {
    qtest::QemuOptions result{.arguments = {"-device", options.device + ",id=iommu0" + options.properties, "-device",
                                            qtest::EduDevice::option}};
    result.arguments.insert(result.arguments.end(), options.arguments.begin(), options.arguments.end());
    return result;
}

}  // namespace

Guest::Guest(Mode mode_of_root, const GuestOptions& options)
    : mode(mode_of_root),
      qemu(options_for(options)),
      ram(qemu.qtest()),
      pci(qemu.qtest()),
      edu(qemu.qtest(), pci.find(qtest::EduDevice::id)),
      unit(qemu.qtest()),
      queue(ram, unit, mode == Mode::Legacy ? Width::Short : Width::Long),
      legacy(ram),
      scalable(ram),
      sink(ram.allocate_page()),
      source(ram.allocate_page()) {}

void Guest::start() {
    unit.set_root_table(mode == Mode::Legacy ? legacy.root() : scalable.root(), mode);
    queue.enable();
    invalidate_all();
    unit.set(TE);
}

void Guest::invalidate_all() {
    queue.submit(descriptor::context_global());
    if (mode != Mode::Legacy) queue.submit(descriptor::pasid_cache_global());
    queue.submit(descriptor::iotlb_global());
}

PageTable Guest::second_stage(unsigned levels) {
    PageTable stage(ram, Stage::Second, levels);
    stage.map_identity(sink).map_identity(source);
    return stage;
}

PageTable Guest::first_stage(unsigned levels) {
    PageTable stage(ram, Stage::First, levels);
    stage.map_identity(sink).map_identity(source);
    return stage;
}

std::uint64_t Guest::patterned_page(std::uint32_t seed) {
    const std::uint64_t page = ram.allocate_page();
    ram.fill_with_pattern(page, qtest::page_size, seed);
    return page;
}

Bytes Guest::dma_read(qtest::EduDevice& device, std::uint64_t iova) {
    device.copy(iova, sink, transfer);
    return memory(sink);
}

void Guest::dma_write(std::uint64_t iova, const Bytes& bytes) {
    qemu.qtest().memwrite(source, bytes);
    edu.copy(source, iova, bytes.size());
}

}  // namespace vtd_driver
