// SPDX-License-Identifier: GPL-2.0-or-later
// What most unit tests include, compiled once: in the sanitizers' builds alone, where reading headers is a third of the
// time. Nothing may rely on it: each test includes what it uses, as the other builds check.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "smmu_guest.h"
#include "vtd_guest.h"
