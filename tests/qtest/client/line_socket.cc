// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/line_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

namespace qtest {

LineSocket::Pair LineSocket::make_pair() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

void LineSocket::send(std::string_view line) {
    std::string text(line);
    text += '\n';
    for (std::size_t sent = 0; sent < text.size();) {
        // A reader that is gone is an error to report, not a signal to die of.
        const ssize_t count = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count < 0) fail("QEMU has closed the connection");
        sent += static_cast<std::size_t>(count);
    }
}

std::string LineSocket::receive() {
    std::size_t searched = 0;
    while (true) {
        const std::size_t end = received_.find('\n', searched);
        if (end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        searched = received_.size();
        fill();
    }
}

void LineSocket::fill() {
    static constexpr std::size_t part_size = 64 * 1024;
    pollfd readable{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    const int ready = poll(&readable, 1, static_cast<int>(limit.count()));
    if (ready == 0) fail("QEMU does not answer");
    std::vector<char> part(part_size);
    const ssize_t count = recv(fd_.get(), part.data(), part.size(), 0);
    if (count <= 0) fail("QEMU has closed the connection");
    received_.append(part.data(), static_cast<std::size_t>(count));
}

void LineSocket::fail(const std::string& what) const { throw ProcessError(what + "; it wrote: " + output_()); }

}  // namespace qtest
