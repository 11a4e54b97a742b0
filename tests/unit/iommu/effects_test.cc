// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommu/effects.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "fake_ports.h"

namespace {

using iommu::Effects;
using iommu::GateChanged;
using iommu::GuestMemory;
using iommu::Iova;
using iommu::IovaRange;
using iommu::Kick;
using iommu::Pa;
using iommu::Pulse;
using iommu::RequesterId;
using iommu::ResumeStalled;
using iommu::SendMsi;
using iommu::StallAction;
using iommu::StoreStatus;
using iommu::TraceClass;
using iommu::TraceLine;
using iommu::Unmap;

// One list of all calls, with what the status word held at each.
class Recorder : public iommu::MemoryPort,
                 public iommu::Interrupts,
                 public iommu::UnmapListeners,
                 public iommu::Endpoints,
                 public iommu::Clock,
                 public iommu::DmaUsers,
                 public iommu::Trace {
  public:
    void written(Pa address, std::uint64_t size) override { note("written", address.value, size); }
    bool send_msi(std::uint64_t address, std::uint32_t data) override {
        note("msi", address, data);
        return address < 0xfef00000;
    }
    void resume(iommu::RequesterId requester, std::uint16_t stall_tag, StallAction action) override {
        note("resume", requester.value, std::uint64_t{stall_tag} << 4 | static_cast<std::uint8_t>(action));
    }
    void pulse(unsigned line) override { note("pulse", line, 0); }
    void unmap(const IovaRange& range) override { note("unmap", range.first.value, range.last.value); }
    void gate_changed(bool translating) override { note("gate", translating ? 1 : 0, 0); }
    std::uint64_t now_ns() override { return 0; }
    void kick() override { note("kick", 0, 0); }
    void line(TraceClass trace_class, std::string_view text) override {
        note(std::string(text), static_cast<std::uint32_t>(trace_class), 0);
    }

    test::FakeRam ram{4096};
    std::vector<std::string> calls;

  private:
    void note(const std::string& what, std::uint64_t a, std::uint64_t b) {
        std::ostringstream text;
        text << what << std::hex << ' ' << a << ' ' << b << " status=" << ram.peek32(0x100);
        calls.push_back(text.str());
    }
};

struct World {
    Recorder recorder;
    GuestMemory memory{recorder};
    World() { memory.set_ram(std::array{recorder.ram.range()}); }
    std::uint32_t perform(const Effects& effects) {
        return iommu::perform(effects, memory, {recorder, recorder, recorder, recorder, recorder, recorder, recorder});
    }
};

TEST_CASE("Effects: performed in the order they were added, each through its port") {
    World world;
    Effects effects;
    effects.add(TraceLine{TraceClass::Queue, "began"});
    effects.add(Unmap{{Iova{0x4000}, Iova{0x5fff}}});
    effects.add(StoreStatus{Pa{0x100}, 0xabcd1234});
    effects.add(SendMsi{0xfee01000, 0x4031});
    effects.add(Pulse{3});
    effects.add(ResumeStalled{.requester = RequesterId{0x20}, .stall_tag = 0xabc, .action = StallAction::Discard});
    effects.add(GateChanged{true});
    effects.add(Kick{});
    effects.add(GateChanged{false});
    effects.add(Unmap{{Iova{0}, Iova{0xfff}}});
    world.perform(effects);
    CHECK(world.recorder.calls == std::vector<std::string>{
                                      "began 8 0 status=0",
                                      "unmap 4000 5fff status=0",
                                      "written 100 4 status=abcd1234",
                                      "msi fee01000 4031 status=abcd1234",
                                      "pulse 3 0 status=abcd1234",
                                      "resume 20 abc2 status=abcd1234",
                                      "gate 1 0 status=abcd1234",
                                      "kick 0 0 status=abcd1234",
                                      "gate 0 0 status=abcd1234",
                                      "unmap 0 fff status=abcd1234",
                                  });
}

TEST_CASE("Effects: what is appended comes after what was there") {
    World world;
    Effects effects, more;
    effects.add(SendMsi{0x1, 1});
    more.add(SendMsi{0x2, 2});
    more.add(SendMsi{0x3, 3});
    effects.append(std::move(more));
    effects.append({});
    effects.add(SendMsi{0x4, 4});
    REQUIRE(effects.list().size() == 4);
    world.perform(effects);
    CHECK(world.recorder.calls ==
          std::vector<std::string>{"msi 1 1 status=0", "msi 2 2 status=0", "msi 3 3 status=0", "msi 4 4 status=0"});
}

TEST_CASE("Effects: none are none") {
    World world;
    CHECK(Effects{}.empty());
    world.perform({});
    CHECK(world.recorder.calls.empty());
    Effects effects;
    effects.add(Kick{});
    CHECK_FALSE(effects.empty());
}

TEST_CASE("Effects: adding performs nothing, and performing twice does it twice") {
    World world;
    Effects effects;
    effects.add(Kick{});
    CHECK(world.recorder.calls.empty());
    world.perform(effects);
    world.perform(effects);
    CHECK(world.recorder.calls.size() == 2);
}

TEST_CASE("Effects: a status word stores 32 bits and leaves its neighbours") {
    World world;
    world.recorder.ram.poke(0x100, 0x1111111122222222);
    Effects effects;
    effects.add(StoreStatus{Pa{0x104}, 0x33333333});
    world.perform(effects);
    CHECK(world.recorder.ram.peek(0x100) == 0x3333333322222222);
}

TEST_CASE("Effects: a status word whose RAM has gone does not stop what comes after it") {
    World world;
    Effects effects;
    effects.add(StoreStatus{Pa{0x1000}, 1});
    effects.add(SendMsi{0xfee00000, 2});
    world.perform(effects);
    CHECK(world.recorder.calls == std::vector<std::string>{"msi fee00000 2 status=0"});
}

TEST_CASE("Effects: marks of messages that ended in nothing come back together, those of others do not") {
    World world;
    Effects effects;
    effects.add(SendMsi{.address = 0xfee00000, .data = 1, .abort_bit = 0x1});
    effects.add(SendMsi{.address = 0xfef00000, .data = 2, .abort_bit = 0x2});
    effects.add(SendMsi{.address = 0xfef00000, .data = 3});
    effects.add(SendMsi{.address = 0xfff00000, .data = 4, .abort_bit = 0x80000000});
    effects.add(SendMsi{.address = 0xfee00000, .data = 5, .abort_bit = 0x8});
    CHECK(world.perform(effects) == 0x80000002);
    CHECK(world.recorder.calls.size() == 5);
    CHECK(world.perform({}) == 0);
}

}  // namespace
