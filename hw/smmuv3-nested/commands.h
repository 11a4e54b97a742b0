// SPDX-License-Identifier: GPL-2.0-or-later
//
// commands: what an entry of the command queue asks for. [SMMU G.b s4]
//
// `decode` checks a command once and for all - opcode, feature, parameters - and plans it; what comes out can be
// carried out without another look. Nothing here changes anything.
#ifndef SMMUV3_NESTED_COMMANDS_H
#define SMMUV3_NESTED_COMMANDS_H

#include <variant>

#include "iommu/invalidation.h"
#include "smmuv3-nested/capabilities.h"
#include "smmuv3-nested/resolve.h"
#include "smmuv3-nested/spec/commands.h"

namespace smmuv3 {

using iommu::Invalidation;
using iommu::Words;

// A hint, or something that has no effect here.
struct Nothing {};

// CMD_SYNC, checked.
struct Sync {
    SYNC::CompletionSignal signal = SYNC::CompletionSignal::SIG_NONE;
    std::uint64_t message_address = 0;
    std::uint32_t message_data = 0;
};

// CMD_ATC_INV, checked.
struct AtcInv {
    iommu::RequesterId stream;
    std::optional<iommu::Pasid> substream;
    bool global = false;
    iommu::IovaRange range;
};

// CMD_RESUME.
struct Resume {
    enum class Action : std::uint8_t { Retry, Abort, RazWi };
    std::uint32_t stream = 0;
    std::uint16_t stag = 0;
    Action action = Action::Abort;
};

// CMD_STALL_TERM.
struct StallTerm {
    std::uint32_t stream = 0;
};

// CMD_PRI_RESP is the response itself.
using Command = std::variant<Nothing, Invalidation, AtcInv, iommu::PageGroupResponse, Sync, Resume, StallTerm>;

// What decides which commands are legal and what they reach.
struct CommandContext {
    const Capabilities& capabilities;
    std::uint32_t ignored_vmid_bits = 0;  // by CR0.VMW
    bool e2h = false;                     // CR2.E2H
};

[[nodiscard]] Result<Command, CommandError> decode(const Words<2>& words, const CommandContext& context);

// One line for traces, from the layout.
[[nodiscard]] std::string describe_command(const Words<2>& words);

}  // namespace smmuv3

#endif  // SMMUV3_NESTED_COMMANDS_H
