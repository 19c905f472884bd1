#pragma once

#include "../fuzz/dice.hpp"
#include "../record.hpp"
#include "../scenario.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Thousands of requests that are nearly right, each wrong in exactly one way that a clause forbids. All come from the
/// seed, and the right one is sent among them every so often, or their refusal would prove nothing.
namespace bsp::conformance::battery {

using fuzz::dice;

/// A request that is wrong, and what is wrong with it in this case.
struct attempt {
    http_request request;
    std::string detail;
    std::string who;  ///< who it pretends to be, as reports call him
};

/// Makes a request that is wrong in one way, its details drawn; nothing when there is none to be made here.
using maker = std::function<std::optional<attempt>(dice&)>;

/// The attempts of one check: a deck of ways to be wrong, dealt over and over.
class siege {
public:
    /// `of`: what the attempts pretend to be, in the plural: "peer assertions".
    siege(scenario& s, std::string of) : world_{s}, of_{std::move(of)}, chance_{s.pick(SIZE_MAX)} {}

    /// A way to be wrong: what the report calls it, and the clause that forbids it.
    void add(std::string what, std::string_view clause, maker make) { deck_.push_back({std::move(what), clause, std::move(make)}); }

    /// Something that must be accepted, or be as it was: asked for before, between and after the attempts. Ends the check
    /// otherwise.
    void between(std::function<void()> look) { looks_.push_back(std::move(look)); }

    /// Sends attempts until there were as many as the run wants, and judges: fails when one was let in. 429 is no answer,
    /// and no attempt.
    void run();

private:
    struct card {
        std::string what;
        std::string_view clause;
        maker make;
    };
    enum class came { refused, let_in, nothing, limited };
    came judge(card const&, attempt const&);
    void look();
    void enter(std::string const& what, std::string_view clause, bool let_in);
    void conclude();

    scenario& world_;
    std::string of_;
    dice chance_;
    std::vector<card> deck_;
    std::vector<std::function<void()>> looks_;
    std::size_t tried_ = 0, let_in_ = 0, unanswered_ = 0;
    std::string first_;         // that was let in
    std::size_t first_step_ = 0;
    bool limited_ = false;
};

// ---- what all decks draw on ---------------------------------------------------------------------------------

/// Nearly `text`, and another: a character more, fewer, or another one.
std::string nearly(std::string const& text, dice& d);

/// The same length and all bits but one.
bytes flipped(bytes from, dice& d);

/// Wrong forms of a signature whose octets are `right`: other octets. `how` says which.
bytes spoilt(bytes const& right, dice& d, std::string& how);

/// Bytes that a careless signer takes for the canonical form of `o` (without `leaving_out`), and that are not.
std::string other_canonical_form(json::object const& o, std::vector<std::string> const& leaving_out, dice& d, std::string& how);

/// Changes one thing at any depth of a signed object, but not its members `spared`. `how` says what; false: nothing.
bool tamper(json::object& signed_object, std::vector<std::string> const& spared, dice& d, std::string& how);

/// The text of a JSON object in which one member, anywhere, stands twice, or a number is spelled otherwise.
std::string doubled_member(std::string const& text, dice& d, std::string& how);

}  // namespace bsp::conformance::battery
