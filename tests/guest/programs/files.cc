// SPDX-License-Identifier: GPL-2.0-or-later
#include "files.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "steps.h"

namespace guest {

int try_ioctl(int file, unsigned long request, void* argument) {
    return ::ioctl(file, request, argument) == 0 ? 0 : errno;
}

void must_ioctl(int file, unsigned long request, void* argument, const std::string& what) {
    const int error = try_ioctl(file, request, argument);
    check(error == 0, what + ": " + error_text(error));
}

Fd open_file(const std::string& path, int flags) {
    const int number = ::open(path.c_str(), flags | O_CLOEXEC);
    if (number < 0) fail(path + ": " + error_text(errno));
    return Fd{number};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string read_text(const std::string& path) {
    const Fd file = open_file(path, O_RDONLY);
    std::string text;
    char bytes[4096];
    for (ssize_t count; (count = ::read(file.number(), bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(count));
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

int try_write_text(const std::string& path, const std::string& text) {
    const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (file.number() < 0) return errno;
    return ::write(file.number(), text.data(), text.size()) < 0 ? errno : 0;
}

void write_text(const std::string& path, const std::string& text) {
    const int error = try_write_text(path, text);
    check(error == 0, "'" + text + "' to " + path + ": " + error_text(error));
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{folder, error})
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace guest
