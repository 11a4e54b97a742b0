// SPDX-License-Identifier: GPL-2.0-or-later
//
// Qmp: QEMU's management protocol, as far as tests need it.
//
// Commands are answered in order; events that come in between are kept until someone waits for them.
#ifndef QTEST_QMP_H
#define QTEST_QMP_H

#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "client/line_socket.h"

namespace qtest {

class Qmp {
  public:
    // Greets.
    explicit Qmp(LineSocket socket);
    ~Qmp();

    // The "return" part; an "error" throws ProcessError with QEMU's sentence.
    nlohmann::json execute(const std::string& command);
    nlohmann::json execute(const std::string& command, const nlohmann::json& arguments);

    // The oldest kept event of this name, or the next one to come, with its data. Older ones of any name are dropped.
    nlohmann::json wait_event(const std::string& name);

    // Properties of objects.
    [[nodiscard]] std::uint64_t qom_get_number(const std::string& path, const std::string& property);
    void qom_set(const std::string& path, const std::string& property, const std::string& value);

  private:
    nlohmann::json send(const nlohmann::json& request);

    LineSocket socket_;
    std::deque<nlohmann::json> events_;
};

}  // namespace qtest

#endif  // QTEST_QMP_H
