// SPDX-License-Identifier: GPL-2.0-or-later
#include "client/qmp.h"

#include <nlohmann/json.hpp>

namespace qtest {

using nlohmann::json;

Qmp::Qmp(LineSocket socket) : socket_(std::move(socket)) {
    static_cast<void>(socket_.receive());  // QEMU's greeting
    execute("qmp_capabilities");
}

Qmp::~Qmp() = default;

json Qmp::execute(const std::string& command) { return send({{"execute", command}}); }

json Qmp::execute(const std::string& command, const json& arguments) {
    return send({{"execute", command}, {"arguments", arguments}});
}

json Qmp::send(const json& request) {
    socket_.send(request.dump());
    while (true) {
        json answer = json::parse(socket_.receive());
        if (answer.contains("return")) return answer["return"];
        if (answer.contains("error")) throw ProcessError(answer["error"]["desc"].get<std::string>());
        events_.push_back(std::move(answer));
    }
}

json Qmp::wait_event(const std::string& name) {
    while (true) {
        if (events_.empty()) events_.push_back(json::parse(socket_.receive()));
        const json event = std::move(events_.front());
        events_.pop_front();
        if (event.value("event", "") == name) return event.value("data", json::object());
    }
}

std::uint64_t Qmp::qom_get_number(const std::string& path, const std::string& property) {
    return execute("qom-get", {{"path", path}, {"property", property}}).get<std::uint64_t>();
}

void Qmp::qom_set(const std::string& path, const std::string& property, const std::string& value) {
    execute("qom-set", {{"path", path}, {"property", property}, {"value", value}});
}

}  // namespace qtest
