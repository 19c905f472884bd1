#pragma once

#include "faults.hpp"

#include <iosfwd>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bsp::conformance {

struct laboratory;
struct run_result;

/// What became of a wrong backend.
enum class fate : std::uint8_t {
    killed,       ///< a check that the fault names failed
    survived,     ///< none did
    is_void,      ///< the mutant could not be run, or names a check that does not exist or cannot run here
    unreachable,  ///< by nature of the fault; the row says why
};

/// One row of the matrix.
struct autopsy {
    faulty::fault const* fault;
    conformance::fate fate = fate::is_void;
    std::vector<std::string> killers;     ///< named checks that failed
    std::vector<std::string> clauses;     ///< of the killers
    std::vector<std::string> bystanders;  ///< other checks that failed; known only when all were run
    bool all_run = false;
    std::string remark;                   ///< named checks that did not fail, or why the mutant is void
};

/// The suite judged by wrong backends: every one must be caught by the check that names its fault, the
/// correct one by none, and a target that is no backend at all must not get a PASS.
class kill_matrix {
public:
    /// Tells `progress` one line for each thing done.
    explicit kill_matrix(std::ostream& progress) : progress_{progress} {}

    /// Runs every check against the correct backend, of both types. False when one fails or errs. This and the three that
    /// follow have nothing in common, and may be called side by side.
    bool correct_is_green();

    /// The same, as a client: with the checks in which the suite is the other backend.
    bool correct_client_is_green();

    /// Runs the named checks of every fault, or of the given ones. False when a fault survives or is void.
    bool kill(std::vector<std::string> const& only, bool all_checks);

    /// Runs every check against every degenerate target. False when one passes that did more than read the identity.
    bool nothing_is_proven_by_degenerates();

    /// The rows so far, as spec/kill-matrix.md has them.
    [[nodiscard]] std::string markdown() const;

    /// False when a check killed no fault that names it, and is not listed with the reason: nothing would show that it
    /// can fail. Only after `kill` of every fault.
    bool every_check_kills();

    /// False when a fault that `committed` calls killed is not killed any more.
    bool keeps_rows_of(std::string const& committed);

private:
    static autopsy examine(laboratory&, faulty::fault const&, bool all_checks);
    bool nobody_is_blamed(std::string const& what, run_result const&);
    void tell(std::string const& lines);

    std::mutex mutex_;
    std::ostream& progress_;
    std::vector<autopsy> rows_;
};

}  // namespace bsp::conformance
