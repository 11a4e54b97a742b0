// SPDX-License-Identifier: GPL-2.0-or-later
//
// QemuProcess: a running qemu-system-* with a stopped processor, a qtest and a QMP connection.
//
//     QemuProcess qemu({.arguments = {"-device", "edu"}});
//     qemu.qtest().writel(0x100000, 1);
//
// The binary is the distribution's. What is preloaded into it comes from the environment, which the build sets:
//
//     QTEST_QEMU    the binary; default qemu-system-x86_64 in PATH
//     QTEST_ACCEL   qtest-accel.so, the accelerator that distributions leave out
//     QTEST_PLUGIN  nested-iommu-*.so for that binary, the devices under test
//
// Errors of either connection are thrown as ProcessError with all that QEMU wrote so far.
#ifndef QTEST_QEMU_PROCESS_H
#define QTEST_QEMU_PROCESS_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/child_process.h"
#include "client/guest_ram.h"
#include "client/qmp.h"
#include "client/qtest.h"

namespace qtest {

enum class Devices : std::uint8_t {
    QemusOwn,  // nothing but the accelerator is preloaded
    WithPlugin,
};

struct QemuOptions {
    std::vector<std::string> arguments;
    std::string machine = "q35";
    Devices devices = Devices::WithPlugin;
    std::vector<std::string> environment;  // "NAME=value"
};

class QemuProcess {
  public:
    explicit QemuProcess(const QemuOptions& options);

    [[nodiscard]] Qtest& qtest() { return *qtest_; }
    [[nodiscard]] Qmp& qmp() { return *qmp_; }
    [[nodiscard]] std::string output() const { return process_->output(); }

    // As the reset button does.
    void system_reset();
    // The whole machine to a file, and into one that was started with `-incoming defer`.
    void save_to(const std::string& path);
    void load_from(const std::string& path);

  private:
    void wait_for_migration();

    std::unique_ptr<ChildProcess> process_;
    std::unique_ptr<Qtest> qtest_;
    std::unique_ptr<Qmp> qmp_;
};

// A QEMU that is expected to end by itself.
struct QemuEnd {
    int exit_code = 0;
    std::string output;
};
[[nodiscard]] QemuEnd run_until_end(const QemuOptions& options);

}  // namespace qtest

#endif  // QTEST_QEMU_PROCESS_H
