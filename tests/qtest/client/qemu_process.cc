// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/qemu_process.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace qtest {
namespace {

std::string environment_or(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string required_environment(const char* name) {
    std::string value = environment_or(name, "");
    if (value.empty()) throw ProcessError(std::string(name) + " is not set; run the tests with `meson test`");
    return value;
}

Command command_for(const QemuOptions& options) {
    Command command;
    command.argv = {environment_or("QTEST_QEMU", "qemu-system-x86_64"),
                    "-machine",
                    options.machine,
                    "-accel",
                    "qtest",
                    "-m",
                    std::to_string(ram_size) + "B",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none"};
    command.preload = {required_environment("QTEST_ACCEL")};
    if (options.devices == Devices::WithPlugin) command.preload.push_back(required_environment("QTEST_PLUGIN"));
    command.environment = options.environment;
    command.argv.insert(command.argv.end(), options.arguments.begin(), options.arguments.end());
    return command;
}

// A character device on a descriptor that QEMU inherits.
void add_connection(Command& command, const std::string& id, const FileDescriptor& theirs) {
    const int fd = theirs.get();
    command.argv.insert(command.argv.end(), {"-chardev", "socket,id=" + id + ",fd=" + std::to_string(fd)});
    command.inherited.push_back(fd);
}

}  // namespace

QemuProcess::QemuProcess(const QemuOptions& options) {
    Command command = command_for(options);
    auto qtest_ends = LineSocket::make_pair();
    auto qmp_ends = LineSocket::make_pair();
    add_connection(command, "qtest", qtest_ends.theirs);
    add_connection(command, "qmp", qmp_ends.theirs);
    command.argv.insert(command.argv.end(),
                        {"-qtest", "chardev:qtest", "-qtest-log", "none", "-mon", "chardev=qmp,mode=control"});
    process_ = std::make_unique<ChildProcess>(command);
    // Only QEMU holds its ends from here on, so that its end is the connections' end.
    qtest_ends.theirs.reset();
    qmp_ends.theirs.reset();
    const auto output = [process = process_.get()] { return process->output(); };
    qtest_ = std::make_unique<Qtest>(LineSocket(std::move(qtest_ends.ours), output));
    qmp_ = std::make_unique<Qmp>(LineSocket(std::move(qmp_ends.ours), output));
}

void QemuProcess::system_reset() {
    qmp_->execute("system_reset");
    qmp_->wait_event("RESET");
}

void QemuProcess::save_to(const std::string& path) {
    qmp_->execute("migrate-set-capabilities", {{"capabilities", {{{"capability", "events"}, {"state", true}}}}});
    qmp_->execute("migrate", {{"uri", "file:" + path}});
    wait_for_migration();
}

void QemuProcess::load_from(const std::string& path) {
    qmp_->execute("migrate-set-capabilities", {{"capabilities", {{{"capability", "events"}, {"state", true}}}}});
    qmp_->execute("migrate-incoming", {{"uri", "file:" + path}});
    wait_for_migration();
}

void QemuProcess::wait_for_migration() {
    while (true) {
        const auto status = qmp_->wait_event("MIGRATION").value("status", "");
        if (status == "completed") return;
        if (status == "failed") throw ProcessError("migration failed; QEMU wrote: " + output());
    }
}

QemuEnd run_until_end(const QemuOptions& options) {
    ChildProcess process(command_for(options));
    const int exit_code = process.wait();
    return {exit_code, process.output()};
}

}  // namespace qtest
