// SPDX-License-Identifier: GPL-2.0-or-later
//
// LineSocket: our end of a connection that carries lines of text both ways.
//
// Both protocols of QEMU that the tests speak (qtest and QMP) are of this kind. Receiving gives up with ProcessError
// when the other side hangs up or stays silent for longer than `patience`; the error quotes what the program wrote.
#ifndef QTEST_LINE_SOCKET_H
#define QTEST_LINE_SOCKET_H

#include <functional>
#include <string>
#include <string_view>

#include "client/child_process.h"

namespace qtest {

class LineSocket {
  public:
    // The two ends of a new connection: one for a LineSocket, one for the program under test.
    struct Pair {
        FileDescriptor ours;
        FileDescriptor theirs;
    };
    [[nodiscard]] static Pair make_pair();

    using Output = std::function<std::string()>;

    LineSocket(FileDescriptor fd, Output output_of_program)
        : fd_(std::move(fd)), output_(std::move(output_of_program)) {}

    // The line end is added.
    void send(std::string_view line);
    // Without its line end.
    [[nodiscard]] std::string receive();

  private:
    void fill();
    [[noreturn]] void fail(const std::string& what) const;

    FileDescriptor fd_;
    Output output_;
    std::string received_;
};

}  // namespace qtest

#endif  // QTEST_LINE_SOCKET_H
