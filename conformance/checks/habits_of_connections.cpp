#include "habits.hpp"

#include "../surroundings.hpp"
#include "kept_connection.hpp"
#include "rotation.hpp"
#include "telemetry.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

// What a server keeps for a connection: what it read of the store, and a place among others.

namespace bsp::conformance {

namespace {

/// Three requests that a peer proves, on its connection.
struct asking {
    scenario& s;
    peer const& a;
    kept_connection& on;

    [[nodiscard]] exchange pull(key const& by = {}) const { return on.send(a, "GET", path(), {}, {.signer = by}); }
    [[nodiscard]] exchange push(std::string const& into, key const& by = {}) const { return on.push(a, s.conversation(into, 1, {s.message("m1", "x")}), {.signer = by}); }
    [[nodiscard]] exchange read(key const& by = {}) const { return on.send(a, "GET", "/conversations?limit=1", {}, {.signer = by}); }

    void works(key const& by = {}) const {
        s.control(pull(by), "a pull on a connection that stays open");
        s.control(push(s.fresh("c"), by), "a push on it");
        s.control(read(by), "the list of conversations on it");
        if (!on.lasts()) s.not_applicable("the target closes its connections after an answer");
    }
    /// What finds the connection closed is not served, either.
    void refuses(std::string const& why, key const& by = {}) const {
        auto const judge = [&](exchange const& x, std::string const& what) {
            if (x.details().got.why == fault::closed) return s.note(what + " " + why + ": the connection was closed");
            s.refused(x, what + " on the connection on which it was served before, " + why);
        };
        auto const c = s.fresh("c");
        judge(pull(by), "a pull");
        judge(push(c, by), "a push");
        judge(read(by), "the list of conversations");
        s.expect(s.user().read(c).status() == 404, "nothing of a push " + why + " is stored", "it is");
    }

private:
    [[nodiscard]] std::string path() const { return "/sync/" + a.peer_id() + "?limit=1&since=" + percent_encode_segment(s.in_seconds(3600)); }
};

}  // namespace

void connections_see_removals(scenario& s) {
    auto const bystander = s.register_peer();
    kept_connection beside{s};
    asking const others{s, bystander, beside};
    others.works();
    std::vector<std::pair<std::string, std::function<exchange(peer const&)>>> ways{
        {"after the peer has unpaired itself over another connection", [](peer const& a) { return a.unpair(); }},
        {"after its user has unpaired the peer over another connection", [&](peer const& a) { return s.user().del("/peers/" + a.peer_id()); }}};
    if (s.shared().options.admin_token) ways.emplace_back("after the peer was revoked over another connection", [&](peer const& a) { return s.admin().del("/peers/" + a.peer_id()); });
    for (auto const& [why, remove] : ways) {
        auto const a = s.register_peer({.signing_key = s.fresh_key()});
        kept_connection own{s};
        asking const it{s, a, own};
        it.works();
        s.control(remove(a), "the removal");
        it.refuses(why);
    }
    others.works();
}

void connections_see_rotations(scenario& s) {
    rotating r{s};
    kept_connection own{s};
    asking const it{s, r.a, own};
    it.works();
    auto const moment = r.next_moment();
    auto const before = r.must_rotate(s.fresh_key(), {.rotated_at = moment, .grace = moment});
    it.refuses("after another key took the place of that one, without grace and over another connection", before);
    kept_connection another{s};
    auto& on = own.lasts() ? own : another;
    s.accepted(asking{s, r.a, on}.pull(r.current), "a pull with the new key");
}

void connections_see_writes(scenario& s) {
    auto const a = s.register_peer();
    auto const user = s.user();
    auto const c = s.fresh("c");
    kept_connection on{s};
    auto const content = [&](std::string const& after) {
        auto const x = on.get(user, "/conversations/" + c);
        if (!on.lasts()) s.not_applicable("the target closes its connections after an answer");
        s.expect(x.answered(), "reading the conversation " + after, x.describe());
        auto const* m = find_by_id(x.body(), "/messages", "m1");
        return m ? text_at(json::value(*m), "/content") : "none";
    };
    auto const is = [&](std::string const& expected, std::string const& after) {
        auto const got = content(after);
        s.expect(got == expected, "on a connection that stays open m1 reads \"" + expected + "\" " + after, got);
    };
    s.control(content("that is not there yet") == "none", "the conversation is not there");
    s.control(a.push({s.conversation(c, 1, {s.message("m1", "pushed")})}), "a push");
    is("pushed", "after a push over another connection");
    s.control(user.write(c, "edited", set("id", "m1")), "an edit");
    is("edited", "after an edit over another connection");
    s.control(user.del("/conversations/" + c), "the deletion");
    is("none", "after the deletion of the conversation over another connection");
    s.control(user.write(c, "back", set("id", "m1")), "a write");
    is("back", "after another write over another connection");
    // Who was not there is there now, and the list of peers says so.
    auto const listed = [&](std::string const& id) { return find_by_id(on.get(user, "/peers").body(), "/peers", id, "peer_id") != nullptr; };
    s.control(listed(a.peer_id()), "the list of peers on that connection");
    auto const b = s.register_peer();
    s.expect(listed(b.peer_id()), "a peer that was registered over another connection is in the list", "it is not");
}

void lost_connections_cost_nothing(scenario& s) {
    telemetry_ground g{s};
    auto const opens_again = [&](std::string const& after) {
        auto const until = clock::now() + seconds{10};  // until the server has noticed
        for (;;) {
            line l{s, g.a};
            if (l.open()) return acked(s, l.tell(g.next()), after + " an event on a new connection"), l.cut();
            if (l.handshake().status() == 429) s.not_applicable("the target limits upgrades");
            s.expect(clock::now() < until, after + " the upgrade is answered with 101", l.handshake().describe());
            std::this_thread::sleep_for(milliseconds{250});
        }
    };
    constexpr int many = 70;
    for (int i = 0; i < many; ++i) {
        line l{s, g.a};
        if (!l.open()) {
            opens_again("after " + std::to_string(i) + " connections of the peer that broke off");
            continue;
        }
        if (i % 3 == 1) is_acked(s, l.tell(g.next()), "an event");
        if (i % 3 == 2) l.send_bytes(std::string{"\x81\xfe", 2}, "the beginning of a frame");
        l.cut();
    }
    opens_again("after " + std::to_string(many) + " connections of the peer that broke off");
    g.goes_on("all these");
}

}  // namespace bsp::conformance
