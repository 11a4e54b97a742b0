// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "steps.h"

namespace guest {
namespace {

constexpr unsigned kLimitMs = 5500;  // a little more than the kernel's own
constexpr unsigned kPauseMs = 50;

bool has_all(const std::string& line, const std::vector<std::string>& texts) {
    return std::all_of(texts.begin(), texts.end(),
                       [&](const auto& text) { return line.find(text) != std::string::npos; });
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const auto& text : texts)
        all += (all.empty() ? "'" : "', '") + text;
    return all + "'";
}

}  // namespace

KernelLog::KernelLog() : file_{open_file("/dev/kmsg", O_RDONLY | O_NONBLOCK)} { lseek(file_.number(), 0, SEEK_END); }

std::vector<std::string> KernelLog::lines() {
    std::vector<std::string> found;
    char record[8192];
    // One record for each read; EPIPE tells that some were overwritten, and the next read goes on.
    for (;;) {
        const ssize_t count = read(file_.number(), record, sizeof record);
        if (count < 0 && errno == EPIPE) continue;
        if (count <= 0) return found;
        const std::string text(record, static_cast<std::size_t>(count));
        const auto begin = text.find(';') + 1;
        found.push_back(text.substr(begin, text.find('\n', begin) - begin));
    }
}

std::string KernelLog::wait_for(const std::vector<std::string>& texts, unsigned milliseconds) {
    for (unsigned waited = 0;; waited += kPauseMs) {
        for (const std::string& line : lines())
            if (has_all(line, texts)) return line;
        if (waited >= milliseconds) return "";
        usleep(kPauseMs * 1000);
    }
}

std::string KernelLog::expect_line(const std::vector<std::string>& texts, const std::function<void()>& provoke) {
    for (unsigned waited = 0; waited < kLimitMs; waited += 4 * kPauseMs) {
        provoke();
        const std::string line = wait_for(texts, 4 * kPauseMs);
        if (!line.empty()) return line;
    }
    fail("the kernel's log has no line with " + joined(texts));
}

}  // namespace guest
