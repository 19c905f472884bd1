#pragma once

#include "../model/merge.hpp"
#include "../model/peers.hpp"
#include "../scenario.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

/// Random histories: small commands, carried out at the target and in the model side by side.
namespace bsp::conformance::histories {

/// What a command does. Refusable ones that must be refused come with everything else right.
enum class kind : std::uint8_t {
    push, write, delete_message, delete_conversation, pull, read, restart, kill,
    push_again, push_other_body, push_id_of_another_peer,                                                   // sync ids
    forged, signed_by_another, to_another_path, signature_missing, not_fresh, cut_short, invalid_item, other_names,  // pushes to refuse
    assertion_again, write_with_other_secret, delete_with_other_secret, read_with_other_key,                // other requests to refuse
    enrol, pair_again, unpair, revoke, run_out
};

/// Small numbers that shrink towards the plainest thing.
using message_draft = std::tuple<int /*id*/, int /*version*/, int /*instant*/, int /*flags*/, int /*content*/>;
using entry_draft = std::tuple<int /*version*/, int /*instant*/, int /*title*/, int /*flags*/>;
using command = std::tuple<kind, int /*who*/, int /*conversation*/, entry_draft, std::vector<message_draft>, int /*variant*/>;

/// The users, the paired backends with what each of them was fed, and the model of what the target must hold.
class world {
public:
    struct options {
        int users = 1, peers = 2;           ///< peers of each user at the beginning
        bool deletes_conversations = true;  ///< by a user; a target may write tombstones of all messages with it (BSP-MRG-059)
        bool revokes = false;               ///< a revocation comes up, so keys must be used nowhere else
    };
    world(scenario& s, options const& o);

    /// Carries the command out. The answer must be one that the model allows.
    void perform(command const& c);

    /// Random pushes of one payload each, all at once. What was answered with 200 is joined, nothing else.
    void perform_together(std::vector<command> const& commands);

    /// Everybody sees what the model holds, and nothing else.
    struct looks {
        bool lists = false;      ///< the lists of conversations
        bool peers = false;      ///< the lists of peers
        bool newcomer = false;   ///< a peer that registers now is fed everything …
        bool from_nothing = false;  ///< … by a pull without since
    };
    void everything_agrees(looks const& at);

    /// The digest is the same for all peers of a user, and another one than at the last look exactly when the live state
    /// is. Only where the digest is offered; where somebody else changed the user's conversations in between, nothing is said.
    void digest_agrees();

private:
    struct person {
        user_account account;
        caller self;
        model::conversations state;
        std::string marker;  ///< in every text of this user, in none of the others'
    };
    /// What a peer was fed by its pulls.
    struct replica {
        std::string since, cursor;
        std::map<std::string, json::object> entries;  ///< the last one of each conversation
        std::map<std::string, model::messages> messages;
    };
    struct station {
        peer who;
        std::size_t of;            ///< position of its user
        std::string backend, key;  ///< as the model names them
        bool live = true;
        replica fed = {};
        struct sent {
            std::string sync_id;
            std::vector<json::object> entries;
        };
        std::vector<sent> accepted = {};
        std::string refused_id = {};  ///< sync_id of the last push that was refused
    };
    struct backend_slot {
        std::string id;
        conformance::key keys[2] = {};
    };

    // ---- what is sent
    [[nodiscard]] json::object message_of(person const& u, message_draft const& d) const;
    [[nodiscard]] json::object entry_of(person const& u, std::string const& conversation, entry_draft const& d, std::vector<json::object> messages);
    [[nodiscard]] std::vector<json::object> entries_of(person const& u, command const& c);
    [[nodiscard]] bool is_tie(person const& u, json::object const& entry);
    [[nodiscard]] std::string const& conversation_of(int n) const { return ids_[static_cast<std::size_t>(n) % ids_.size()]; }

    // ---- commands
    void push(station& p, std::vector<json::object> entries, push_options o, std::string const& what);
    void refused_push(station& p, command const& c, std::vector<json::object> entries);
    void push_known_id(station& p, command const& c, std::vector<json::object> entries);
    void write(station* by, std::size_t of, command const& c);
    void write_twice(station& p, command const& c);
    void delete_message(station* by, std::size_t of, command const& c);
    void delete_conversation(station* by, std::size_t of, command const& c);
    void refused_with_other_secret(station& p, command const& c);
    void pull(station& p, int variant);
    void pull_to_the_end(station& p, int limit = 200);
    void joined(station& p, std::string const& sync_id, std::vector<json::object> entries);
    bool pull_page(station& p, std::optional<int> limit, bool with_since);
    void enrol(command const& c);
    void unpair(station& p, int variant);
    void revoke(station& p);
    void pair_again(command const& c);
    void run_out(command const& c);
    [[nodiscard]] station* removable(int who);
    [[nodiscard]] bool may_revoke() const;
    void is_gone(station& p);

    // ---- judgement
    void read(std::size_t of, caller const& who, std::string const& conversation);
    void expect_members(std::string const& what, json::object const& expected, json::value const& got);
    void expect_surfaces(std::string const& what, model::conversation const& expected, json::value const& got);
    void expect_messages(std::string const& what, std::vector<json::object> const& expected, std::vector<json::object> const& got);
    void expect_conflicts(std::string const& what, model::conversations const& before, std::vector<json::object> const& entries, exchange const& x);
    void expect_fed(station const& p);
    void expect_nothing_since_the_future(station const& p);
    [[nodiscard]] std::string live_state(std::vector<json::object> const& entries) const;
    [[nodiscard]] std::set<std::string> of_others(std::vector<json::object> const& entries) const;
    [[nodiscard]] std::string digest_of(station const& p);
    [[nodiscard]] std::string agreed_digest(station const& witness);
    void expect_list(std::size_t of);
    void expect_peers(std::size_t of);
    void nothing_of_others(std::size_t of, exchange const& x);
    /// Takes over what only the target knows of a local write: the time, above all.
    void learn(std::size_t of, std::string const& conversation, json::value const& shown, std::optional<std::string> const& title);
    [[nodiscard]] json::value fed_now(std::size_t of, std::string const& conversation);
    station& add(peer const& who, std::size_t of, std::string backend, std::string key);

    scenario& s_;
    options options_;
    std::vector<person> people_;
    std::vector<std::unique_ptr<station>> stations_;  ///< the first of each user is a witness that nobody removes
    std::vector<backend_slot> slots_;
    std::vector<std::string> ids_;                    ///< of conversations, the same for all users
    std::string begin_, future_;
    instant started_;
    model::registrations registrations_;
    model::accepted_pushes pushes_;
    std::map<std::tuple<std::string, std::string, std::int64_t, instant>, std::string> writes_;  ///< octets by user, conversation, version and instant
    std::string digest_, digested_;                   ///< at the last look: the digest, and the live state …
    std::set<std::string> others_;                    ///< … and what was seen of conversations of others
};

/// Whether the digest is offered (section 6.5).
bool digest_is_offered(scenario& s);

/// The messages of an answer that are not tombstones; and some as "m1 v2, m10 v1".
std::vector<json::object> without_tombstones(json::value const& in);
std::string in_brief(std::vector<json::object> const& messages);

/// The instant of a timestamp; the epoch when it is none.
instant when(std::string const& text);

/// Whether messages of a conversation that its user deletes come back with it (else BSP-MRG-059).
bool messages_outlive_deletion(scenario& s);

}  // namespace bsp::conformance::histories
