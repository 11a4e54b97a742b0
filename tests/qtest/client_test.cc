// SPDX-License-Identifier: GPL-2.0-or-later
//
// The client itself, against QEMU's own devices and nothing of ours.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "client/guest_ram.h"
#include "client/qemu_process.h"
#include "client/temporary_folder.h"

using namespace qtest;
using Catch::Matchers::ContainsSubstring;

namespace {

QemuOptions plain(std::vector<std::string> arguments) {
    return {.arguments = std::move(arguments), .devices = Devices::QemusOwn};
}

}  // namespace

TEST_CASE("Client: an access has its own width", "[client]") {
    QemuProcess qemu(plain({}));
    auto& qtest = qemu.qtest();
    qtest.writeq(0x100000, 0x8877665544332211);
    CHECK(qtest.readb(0x100001) == 0x22);
    CHECK(qtest.readw(0x100002) == 0x4433);
    CHECK(qtest.readl(0x100004) == 0x88776655);
    qtest.writeb(0x100000, 0xff);
    qtest.writew(0x100002, 0xeeee);
    qtest.writel(0x100004, 0xdddddddd);
    CHECK(qtest.readq(0x100000) == 0xddddddddeeee22ff);
}

TEST_CASE("Client: blocks of memory arrive as they were sent", "[client]") {
    QemuProcess qemu(plain({}));
    GuestRam ram(qemu.qtest());
    const auto page = ram.allocate_pages(4);
    ram.fill_with_pattern(page, 4 * page_size, 7);
    CHECK(ram.read(page, 4 * page_size) == GuestRam::pattern(4 * page_size, 7));
    CHECK(GuestRam::pattern(64, 7) != GuestRam::pattern(64, 8));
}

TEST_CASE("Client: the virtual clock stands still until it is stepped", "[client]") {
    QemuProcess qemu(plain({}));
    const auto start = qemu.qtest().clock_step(1);
    CHECK(qemu.qtest().clock_step(1000) == start + 1000);
    CHECK(qemu.qtest().clock_set(start + 5000) == start + 5000);
}

TEST_CASE("Client: QEMU's refusal is an exit code and a sentence", "[client]") {
    const auto end = run_until_end(plain({"-device", "no-such-device"}));
    CHECK(end.exit_code == 1);
    CHECK_THAT(end.output, ContainsSubstring("'no-such-device' is not a valid device model name"));
}

TEST_CASE("Client: a QEMU that ends early is reported with its output", "[client]") {
    CHECK_THROWS_WITH(QemuProcess(plain({"-device", "no-such-device"})), ContainsSubstring("no-such-device"));
}

TEST_CASE("Client: a command that QEMU refuses throws its sentence", "[client]") {
    QemuProcess qemu(plain({}));
    CHECK_THROWS_WITH(qemu.qmp().execute("no-such-command"), ContainsSubstring("no-such-command"));
    CHECK(qemu.qmp().execute("query-status")["status"] == "running");
}

TEST_CASE("Client: a machine goes through a file into another process", "[client]") {
    const TemporaryFolder folder;
    QemuProcess source(plain({}));
    source.qtest().writel(0x100000, 0x12345678);
    source.save_to(folder.file("machine"));

    QemuProcess destination(plain({"-incoming", "defer"}));
    destination.load_from(folder.file("machine"));
    CHECK(destination.qtest().readl(0x100000) == 0x12345678);
}
