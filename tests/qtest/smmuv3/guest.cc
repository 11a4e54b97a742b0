// SPDX-License-Identifier: GPL-2.0-or-later
#include "smmuv3/guest.h"

#include <nlohmann/json.hpp>

namespace smmu_driver {
qtest::QemuOptions options_for(const GuestOptions& options) {
    qtest::QemuOptions result{
        .arguments = {"-device", "smmuv3-nested,id=iommu0" + options.properties, "-device", qtest::EduDevice::option},
        .machine = options.machine};
    result.arguments.insert(result.arguments.end(), options.arguments.begin(), options.arguments.end());
    return result;
}

Guest::Guest(const GuestOptions& options)
    : qemu(options_for(options)),
      ram(qemu.qtest(), ram_base),
      pci(qemu.qtest(), options.places),
      edu(qemu.qtest(), pci.find(qtest::EduDevice::id)),
      unit(qemu.qtest()),
      commands(ram, unit),
      events(ram, unit),
      streams(ram, options.streams),
      context(ram.allocate_page()),
      sink(ram.allocate_page()),
      source(ram.allocate_page()) {}

void Guest::start() {
    unit.set_cr0(0);
    // Tables and queues: write-back, inner shareable.
    unit.write32(reg::CR1, 0xd75);
    unit.write32(reg::CR2, cr2);
    unit.write64(reg::STRTAB_BASE, streams.base() | bit(62));
    unit.write32(reg::STRTAB_BASE_CFG, streams.configuration());
    commands.set_up();
    unit.set_cr0(CMDQEN);
    forget();
    events.set_up();
    unit.set_cr0(CMDQEN | EVENTQEN);
    unit.set_irq_ctrl(0);
    unit.write64(reg::EVENTQ_IRQ_CFG0, 0);
    unit.write64(reg::GERROR_IRQ_CFG0, 0);
    unit.set_irq_ctrl(EVENTQ_IRQEN | GERROR_IRQEN);
    unit.set_cr0(CMDQEN | EVENTQEN | SMMUEN);
}

void Guest::forget() {
    commands.push(command::cfgi_all());
    commands.push(command::tlbi_el2_all());
    commands.push(command::tlbi_nsnh_all());
    commands.submit(command::cmd_sync());
}

PageTable Guest::stage_1() {
    PageTable stage(ram, Stage::One);
    stage.map_identity(sink).map_identity(source);
    return stage;
}

PageTable Guest::stage_2() {
    PageTable stage(ram, Stage::Two);
    stage.map_identity(sink).map_identity(source);
    return stage;
}

void Guest::set_stage_1(const PageTable& stage, std::uint64_t asid) {
    write_structure(ram, context, cd::over(stage, asid));
    streams.set(stream(), ste::stage_1(context));
}

void Guest::set_stage_2(const PageTable& stage, std::uint64_t vmid) {
    streams.set(stream(), ste::stage_2(stage, vmid));
}

void Guest::set_nested(const PageTable& first, const PageTable& second) {
    write_structure(ram, context, cd::over(first, 1));
    streams.set(stream(), ste::nested(context, second, 2));
}

std::uint64_t Guest::patterned_page(std::uint32_t seed) {
    const std::uint64_t page = ram.allocate_page();
    ram.fill_with_pattern(page, qtest::page_size, seed);
    return page;
}

void Guest::watch_wires() {
    const std::string place = "/machine/unattached";
    for (const auto& child : qemu.qmp().execute("qom-list", {{"path", place}})) {
        if (child.value("type", "") != "child<arm_gic>") continue;
        return qemu.qtest().irq_intercept_in(place + "/" + child.value("name", ""));
    }
    throw qtest::ProcessError("the machine has no interrupt controller");
}

Bytes Guest::dma_read(qtest::EduDevice& device, std::uint64_t address) {
    device.copy(address, sink, transfer);
    return memory(sink);
}

void Guest::dma_write(std::uint64_t address, const Bytes& bytes) {
    qemu.qtest().memwrite(source, bytes);
    edu.copy(source, address, bytes.size());
}

void Guest::touch(std::uint64_t address, Access access) {
    if (access == Access::Read) {
        touch_read(address);
    } else {
        touch_write(address);
    }
}

}  // namespace smmu_driver
