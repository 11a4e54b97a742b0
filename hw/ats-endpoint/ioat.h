// SPDX-License-Identifier: GPL-2.0-or-later
//
// Ioat: the endpoint behind the registers of Intel's DMA engine, so that drivers that exist can drive it.
//
//     write(DMACOUNT) -> kick -> run -> fetch -> copy -> completion record -> CHANSTS -> interrupt -> next descriptor
//
// It owns an Endpoint and uses its channel 0 as software would: one operation for each descriptor fetched, each copy
// and each completion record, all of them through the ATC. So transactions, translations of its own, page requests,
// invalidations and the faults that a test asks for are the endpoint's; here is only what descriptors mean.
//
// Nothing is done inside a register write; `run` does a bounded number of operations. A chain that leads back to itself
// ends when DMACOUNT descriptors are done, 65535 at most for one write.
//
// CHANSTS changes after the completion record is written and before the interrupt goes out. An error sets its bit in
// CHANERR and in CHANERR_INT and halts the channel; it does not start again before CHANERR is clear.
//
// Threads: none here. The owner makes one call at a time; a port may call back.
#ifndef ATS_ENDPOINT_IOAT_H
#define ATS_ENDPOINT_IOAT_H

#include "ats-endpoint/device.h"
#include "ats-endpoint/spec/ioat.h"

namespace endpoint {

class Ioat : private Interrupt {
  public:
    Ioat(const Options& options, const Ports& ports);

    // For all that is not below: messages of the unit, configuration space, time, injected faults.
    [[nodiscard]] Endpoint& engine() { return engine_; }

    // BAR 0. A word, an aligned part of one, or two.
    [[nodiscard]] std::uint64_t read(std::uint64_t offset, unsigned size) const;
    void write(std::uint64_t offset, std::uint64_t value, unsigned size);
    // CHANERR_INT, in configuration space; cleared where `ones` has ones.
    [[nodiscard]] std::uint32_t errors() const { return errors_.raw(); }
    void clear_errors(std::uint32_t ones);

    void run();
    void reset();
    [[nodiscard]] StateWords save() const;
    [[nodiscard]] iommu::Result<iommu::Done, std::string> load(const StateWords& words);

  private:
    // What the engine was told to do last.
    enum class Phase : std::uint8_t { Between, Fetch, Copy, Complete };
    struct Order {
        Op op = Op::None;
        std::uint64_t source = 0;
        std::uint64_t destination = 0;
        std::uint64_t length = 0;
    };

    // ---- ioat_registers.cc
    void written(const iommu::RegisterWrite& write);
    void command(const iommu::RegisterWrite& write);
    void count_written();
    void load_channel(const StateWords& words);

    // ---- ioat.cc
    void msix(unsigned vector) override;
    void advance();
    void fetch();
    void begin_descriptor();
    void end_copy();
    void write_record();
    void end_descriptor();
    void fail(std::uint64_t error);
    void interrupt();
    void reset_channel();
    void order(Phase phase, const Order& order);
    void tell_engine(std::uint32_t offset, std::uint64_t value, unsigned size);
    [[nodiscard]] std::uint64_t ask_engine(std::uint32_t offset, unsigned size) const;
    [[nodiscard]] bool engine_busy() const;
    [[nodiscard]] Code result() const;
    [[nodiscard]] bool failed_reading() const;

    [[nodiscard]] ioat::Status status() const;
    void enter(ioat::Status status);
    [[nodiscard]] bool active() const { return status() == ioat::Status::Active; }
    // Descriptors still to be done.
    [[nodiscard]] std::uint16_t left() const;
    [[nodiscard]] bool resetting() const;
    // CHANSTS when the descriptor is done that is being done.
    [[nodiscard]] iommu::Value<ioat::CHANSTS> next_status() const;

    const Ports ports_;
    Endpoint engine_;
    iommu::RegisterFile registers_;
    iommu::Value<ioat::CHANERR> errors_;
    iommu::Value<ioat::Descriptor> descriptor_;  // of `current_`
    std::uint64_t current_ = 0;
    std::uint64_t next_ = 0;
    std::uint16_t done_ = 0;
    bool from_chainaddr_ = false;  // `next_` is CHAINADDR
    bool suspend_asked_ = false;
    Phase phase_ = Phase::Between;
};

}  // namespace endpoint

#endif  // ATS_ENDPOINT_IOAT_H
