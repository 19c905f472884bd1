// The whole backend: what users and devices may do in any order, and what nobody may do, against what must
// always hold:
//   - no answer is the server's own failure; every refusal is a problem document with a code that is known;
//   - what was refused changed nothing, what was asked changed nothing, and nobody changes another's data;
//   - of every message the greatest version that was acknowledged is held, whatever the order;
//   - a device that follows the pages of its pulls misses nothing;
//   - nothing of one user is in an answer to the other.

#include "held.hpp"
#include "target.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace bsp::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t nobody = users.size();

/// What a device has learned by pulling.
struct replica {
    items known;
    std::map<std::string, std::pair<std::int64_t, std::string>> emitted;
    std::string last_sync;  ///< "" before the first pull
};

struct pairing {
    std::size_t user = 0;
    device const& from;
    std::string peer_id = "peer_none";
    replica copy = {};
};

class run {
public:
    run(std::uint8_t const* data, std::size_t size) : in_{data, size} {
        for (std::size_t user = 0; user < users.size(); ++user)
            for (std::size_t n = 0; n < 2; ++n) pairings_.push_back({.user = user, .from = device_at(n)});
        // What is kept the longest, and as it was written: age and personal data would be in the way of what is shown here.
        privacy_settings settings;
        settings.retention_days = limits::retention_days_max;
        settings.redact_pii = false;
        for (auto const user : users) require(w_.store.write([&](store_writer& w) { return w.tenant(user).put_privacy(settings); }).has_value());
        oldest_kept_ = settings.expired_until(w_.clock.now()) + 24h * 365;  // a run lasts no longer than a month
    }

    void go() {
        for (int steps = 0; steps < 24 && !in_.empty(); ++steps) step();
        for (auto& p : pairings_) follow(p, 2);
    }

private:
    void step() {
        switch (in_.pick(16)) {
            case 0:
            case 1:
                return pair();
            case 2:
            case 3:
            case 4:
            case 5:
                return push();
            case 6:
                return pull();
            case 7:
            case 8:
                return follow(pairings_[in_.pick(4)], 1 + in_.pick(3));
            case 9:
                return read();
            case 10:
            case 11:
                return write();
            case 12:
                return erase();
            case 13:
                return end_pairing();
            case 14:
                return raw();
            default: {
                static constexpr std::array<std::chrono::nanoseconds, 5> steps{1ns, 1s, 6min, 9h, 25h};
                w_.clock.advance(steps[in_.pick(steps.size())]);
            }
        }
    }

    // --- asking, and what holds for every answer

    /// Sends a request in the name of `user`. Afterwards `now_` is what is held, `before_` what was.
    http_response ask(std::size_t user, std::string method, std::string target, std::string authorization, std::string body = "") {
        http_request r{.method = std::move(method),
                       .target = std::move(target),
                       .headers = {{"Host", "hosted.example"}},
                       .body = std::move(body),
                       .remote = ""};
        if (!authorization.empty()) r.headers.add("Authorization", std::move(authorization));
        if (!r.body.empty()) r.headers.add("Content-Type", "application/json");
        return ask(user, r);
    }

    http_response ask(std::size_t user, http_request const& r) {
        before_ = now_;
        auto const response = w_.send(r);
        now_ = look(w_);

        require(response.status >= 200 && response.status < 500);
        auto const body = json::parse(response.body);
        require(body.has_value() || response.body.empty());
        if (response.status >= 400 && r.method != "HEAD") {
            require(response.headers.find("Content-Type") && *response.headers.find("Content-Type") == "application/problem+json");
            auto const* known = std::ranges::find(error_rows, json::view(body->at("code").as_string()), &error_row::code);
            require(known != std::end(error_rows) && known->status == response.status && body->at("status") == response.status);
        }
        if (response.status >= 400 || r.method == "GET" || r.method == "HEAD") require(now_ == before_);
        for (std::size_t other = 0; other < users.size(); ++other) {
            if (other == user) continue;
            require(now_.of[other] == before_.of[other]);
            require(response.body.find(canary_of(other)) == std::string::npos);
        }
        return response;
    }

    // --- choices

    std::string_view conversation_id() { return std::array{"main", "side"}[in_.pick(2)]; }
    std::string_view message_id() { return std::array{"a", "b", "c"}[in_.pick(3)]; }
    std::int64_t version() { return std::array<std::int64_t, 6>{0, 1, 2, 3, limits::version_max - 1, limits::version_max}[in_.pick(6)]; }
    /// The second and the third are one instant.
    std::string_view timestamp() {
        return std::array{"2017-01-01T00:00:00Z", "2025-12-31T00:00:00Z", "2025-12-31T01:00:00+01:00", "2025-12-31T00:00:00.000000001Z",
                          "2026-01-01T23:00:00Z"}[in_.pick(5)];
    }

    /// Now and then, members out of the input take the place of those that are there.
    void garnish(json::object& o) {
        if (in_.pick(4) != 3) return;
        auto const text = in_.text(in_.pick(80));
        auto const value = json::parse(text);
        if (!value || !value->is_object() || text.find("anary") != std::string_view::npos) return;
        for (auto const& member : value->get_object()) o[member.key()] = member.value();
    }

    std::string parameter(std::string_view name, std::vector<std::string> const& values) {
        auto const chosen = in_.pick(values.size() + 2);
        if (chosen == 0) return {};
        std::string const value = chosen <= values.size() ? values[chosen - 1] : std::string{in_.text(in_.pick(40))};
        return std::string{name} + '=' + value + '&';
    }

    // --- what is done

    void pair() {
        auto& p = pairings_[in_.pick(4)];
        static constexpr std::array<std::chrono::seconds, 4> ages{0s, 1s, 299s, 9h};
        json::object token = w_.token(p.user, p.from, w_.clock.now() - ages[in_.pick(ages.size())]);
        garnish(token);
        bool const forged = in_.pick(8) == 7;
        auto const& secret = w_.secrets.secrets.at(std::string{users[forged ? 1 - p.user : p.user]});
        auto const is_signed = sign_sbt(token, secret);
        json::object body = w_.registration(is_signed ? *is_signed : token, p.from);
        if (in_.pick(2)) body["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        garnish(body);
        auto const a = ask(p.user, "POST", "/register-peer", "", json::serialize(body));
        require(now_.of == before_.of);
        if (a.status != 200) return;
        if (json::view(token.at("user_id").as_string()) != users[p.user])
            return;  // the input knows the name of the user whose secret it has
        require(!forged);
        p.peer_id = json::parse(a.body).value().at("peer_id").as_string();
    }

    json::object conversation_of(std::size_t user) {
        json::array messages;
        for (std::size_t n = in_.pick(4); n > 0; --n) {
            json::object m = w_.message(user, message_id(), version(), timestamp());
            switch (in_.pick(6)) {
                case 1:
                    m["content"] = canary_of(user) + " again";
                    break;
                case 2:
                    m["redacted"] = true;
                    break;
                case 3:
                    m["deleted"] = true;
                    m["content"] = "";
                    break;
                default:
                    break;
            }
            garnish(m);
            messages.push_back(std::move(m));
        }
        json::object c = w_.conversation(conversation_id(), version(), timestamp(), std::move(messages));
        switch (in_.pick(6)) {
            case 1:
                c["title"] = canary_of(user);
                break;
            case 2:
                c["redacted"] = true;
                break;
            case 3:
                c["deleted"] = true;
                break;
            default:
                break;
        }
        garnish(c);
        return c;
    }

    void push() {
        auto const& p = pairings_[in_.pick(4)];
        json::array conversations;
        for (std::size_t n = in_.pick(3); n > 0; --n) conversations.push_back(conversation_of(p.user));
        json::object body{{"sync_id", std::array{"s0", "s1", "s2", "s3", "s4", "s5"}[in_.pick(6)]},
                          {"timestamp", format_timestamp(w_.clock.now())},
                          {"conversations", std::move(conversations)}};
        garnish(body);

        auto const spoilt = in_.pick(16);
        if (spoilt == 1) body["timestamp"] = format_timestamp(w_.clock.now() - 301s);
        if (spoilt == 2) body["target_backend_id"] = "hosted_2";
        if (spoilt == 3) body["peer_id"] = "peer_of_nobody";
        if (spoilt == 4) body["typ"] = "bsp-challenge";
        body.erase("signature");
        if (spoilt != 5) w_.sign(body, spoilt == 6 ? device_at(&p.from == &device_at(0) ? 1 : 0) : p.from);
        if (spoilt == 7) body["sync_id"] = "changed-on-the-way";
        bool const is_spoilt = spoilt >= 1 && spoilt <= 7;

        auto const a = ask(p.user, "POST", "/sync/" + p.peer_id, "", json::serialize(body));
        if (a.status != 200) return;
        require(!is_spoilt);
        items expected = before_.of[p.user].held;
        auto const refused = refused_items(a.body);
        for (auto const& c : body.at("conversations").as_array()) {
            std::string const id{json::view(c.at("conversation_id").as_string())};
            if (!refused.contains({id, ""})) join(expected, {id, ""}, item_of_conversation(c.as_object()));
            for (auto const& m : c.at("messages").as_array()) {
                if (refused.contains({id, std::string{json::view(m.at("id").as_string())}}) && may_be_refused(m.as_object())) continue;
                join(expected, {id, std::string{json::view(m.at("id").as_string())}}, item_of_message(m.as_object()));
            }
        }
        require(now_.of[p.user].held == expected);
    }

    /// What the answer to a push says was not stored (chapter 16).
    static std::set<place> refused_items(std::string const& answer) {
        std::set<place> out;
        auto const body = json::parse(answer).value();
        for (auto const& c : body.at("conflicts").as_array()) {
            if (c.at("resolution_strategy") != "refused") continue;
            auto const* message = c.as_object().if_contains("message_id");
            out.emplace(json::view(c.at("conversation_id").as_string()), message ? json::view(message->as_string()) : std::string_view{});
        }
        return out;
    }

    /// The input can make a message old, or of a surface that nobody allowed.
    [[nodiscard]] bool may_be_refused(json::object const& message) const {
        auto const written = parse_timestamp(json::view(message.at("timestamp").as_string()));
        return (written && *written < oldest_kept_) || !privacy_settings{}.allows_surface(json::view(message.at("surface").as_string()));
    }

    void pull() {
        auto const& p = pairings_[in_.pick(4)];
        auto const& named = in_.pick(4) == 3 ? pairings_[in_.pick(4)] : p;
        std::string const target = "/sync/" + named.peer_id + '?' +
                                   parameter("since", {"2025-12-31T00:00:00Z", "0000-01-01T00:00:00Z", "2199-01-01T00:00:00Z"}) +
                                   parameter("limit", {"1", "2", "500", "0"}) + parameter("cursor", {cursor_, cursor_}) +
                                   parameter("epoch", {"memory-epoch", "another"});
        auto const a = ask(p.user, "GET", target, w_.as_peer("GET", target, p.peer_id, p.from));
        require(a.status != 200 || named.peer_id == p.peer_id);
        if (a.status == 200) remember_cursor(json::parse(a.body).value().as_object());
    }

    void remember_cursor(json::object const& page) {
        if (auto const* cursor = json::find_string(page, "cursor")) cursor_ = json::view(*cursor);
    }

    /// Pulls page by page what is new since the last time; then the device knows what its user's backend holds.
    void follow(pairing& p, std::size_t limit) {
        std::string const since = p.copy.last_sync.empty() ? "" : "since=" + p.copy.last_sync + '&';
        std::string cursor;
        std::set<place> given;
        for (std::size_t pages = 0;; ++pages) {
            require(pages <= now_.of[p.user].held.size() + 1);
            std::string const target = "/sync/" + p.peer_id + '?' + (cursor.empty() ? since : cursor) + "limit=" + std::to_string(limit);
            auto const a = ask(p.user, "GET", target, w_.as_peer("GET", target, p.peer_id, p.from));
            if (a.status != 200) return require(pages == 0);
            json::object const page = json::parse(a.body).value().as_object();
            require(page.at("conversations").as_array().size() <= limit);
            for (auto const& c : page.at("conversations").as_array()) learn(p, c.as_object(), given);
            require(page.contains("cursor") == page.at("has_more").as_bool());
            if (!page.at("has_more").as_bool()) {
                p.copy.last_sync = json::view(page.at("last_sync").as_string());
                break;
            }
            remember_cursor(page);
            cursor = "cursor=" + cursor_ + '&';
        }
        auto const& truth = now_.of[p.user];
        require(p.copy.emitted == truth.emitted);
        for (auto const& [at, held] : truth.held) {
            if (at.second.empty() || !truth.is_live(at.first)) continue;
            auto const found = p.copy.known.find(at);
            require(found != p.copy.known.end() && found->second == held);
        }
    }

    void learn(pairing& p, json::object const& c, std::set<place>& given) const {
        std::string const id{json::view(c.at("conversation_id").as_string())};
        p.copy.emitted[id] = {c.at("version").as_int64(), std::string{json::view(c.at("last_modified").as_string())}};
        for (auto const& m : c.at("messages").as_array()) {
            place const at{id, std::string{json::view(m.at("id").as_string())}};
            require(given.insert(at).second);
            item const i = item_of_message(m.as_object());
            require(now_.of[p.user].held.at(at) == i);
            require(i.deleted || now_.of[p.user].is_live(id));
            join(p.copy.known, at, i);
        }
    }

    void read() {
        std::size_t const user = in_.pick(2);
        auto const& p = pairings_[in_.pick(4)];
        std::string const id{conversation_id()}, method = in_.pick(8) == 7 ? "HEAD" : "GET";
        switch (in_.pick(5)) {
            case 0: {
                std::string const target = "/conversations/" + id + (in_.pick(2) ? "?conflicts=1" : "");
                auto const a = ask(user, "GET", target, w_.as_user("GET", target, user));
                require((a.status == 200) == now_.of[user].is_live(id));
                if (a.status != 200) return;
                std::size_t live = 0;
                for (auto const& [at, held] : now_.of[user].held) live += at.first == id && !at.second.empty() && !held.deleted;
                require(json::parse(a.body).value().at("messages").as_array().size() == live);
                return;
            }
            case 1:
                return follow_list(user);
            case 2: {
                std::string const target = "/peers?" + parameter("limit", {"1"}) + parameter("cursor", {cursor_});
                ask(user, method, target, w_.as_user(method, target, user));
                return;
            }
            case 3: {
                std::string const target = "/sync/" + p.peer_id + "/digest";
                ask(p.user, method, target, w_.as_peer(method, target, p.peer_id, p.from));
                return;
            }
            default: {
                auto const a = ask(nobody, method, in_.pick(2) ? "/identity" : "/health", "");
                require(a.status == 200);
            }
        }
    }

    void follow_list(std::size_t user) {
        std::set<std::string> listed, live;
        std::string cursor;
        do {
            std::string const target = "/conversations?limit=1" + cursor;
            auto const a = ask(user, "GET", target, w_.as_user("GET", target, user));
            require(a.status == 200);
            json::object const page = json::parse(a.body).value().as_object();
            for (auto const& c : page.at("conversations").as_array()) require(listed.emplace(c.at("conversation_id").as_string()).second);
            remember_cursor(page);
            cursor = page.at("has_more").as_bool() ? "&cursor=" + cursor_ : "";
        } while (!cursor.empty());
        for (auto const& [id, emitted] : now_.of[user].emitted)
            if (now_.of[user].is_live(id)) live.insert(id);
        require(listed == live);
    }

    void write() {
        std::size_t const user = in_.pick(2);
        std::string const id{conversation_id()}, target = "/conversations/" + id + "/messages";
        json::object body{{"role", "user"}, {"content", canary_of(user)}, {"surface", "web"}};
        if (in_.pick(3)) body["id"] = message_id();
        if (in_.pick(3) == 2) body["title"] = canary_of(user);
        if (in_.pick(3) == 2) body["timestamp"] = timestamp();
        garnish(body);
        auto const a = ask(user, "POST", target, w_.as_user("POST", target, user), json::serialize(body));
        if (a.status == 200) require(now_ == before_);
        if (a.status >= 300) return;
        json::value const answered = json::parse(a.body).value();
        auto const& written = answered.as_object();
        place const at{id, std::string{json::view(written.at("id").as_string())}};
        if (may_be_refused(written)) return;  // old from the beginning
        require(now_.of[user].is_live(id));
        require(now_.of[user].held.at(at) == item_of_message(written));
        only_grew(user, id, at);
    }

    void erase() {
        std::size_t const user = in_.pick(2);
        std::string const id{conversation_id()}, message = in_.pick(3) ? std::string{message_id()} : "";
        std::string const target = "/conversations/" + id + (message.empty() ? "" : "/messages/" + message);
        auto const a = ask(user, "DELETE", target, w_.as_user("DELETE", target, user));
        auto const held = before_.of[user].held.find({id, message});
        bool const was_there = before_.of[user].is_live(id) && held != before_.of[user].held.end() && !held->second.deleted;
        require((a.status == 200) == was_there);
        if (!was_there) return;
        require(now_.of[user].held.at({id, message}).deleted);
        only_grew(user, id, {id, message});
    }

    /// After a local change of one thing: that has grown or is as it was, so have its conversation's own members;
    /// everything else is as it was.
    void only_grew(std::size_t user, std::string const& conversation, place const& changed) const {
        auto const& now = now_.of[user].held;
        for (auto const& [at, item] : before_.of[user].held) {
            bool const may_grow = at == changed || at == place{conversation, ""};
            require(may_grow ? now.at(at).stands >= item.stands : now.at(at) == item);
        }
    }

    void end_pairing() {
        auto const& p = pairings_[in_.pick(4)];
        std::string const target = "/peers/" + p.peer_id;
        switch (in_.pick(4)) {
            case 0: {
                ask(p.user, "DELETE", target, w_.as_user("DELETE", target, p.user));
                break;
            }
            case 1: {
                ask(p.user, "DELETE", target, w_.as_peer("DELETE", target, p.peer_id, p.from));
                break;
            }
            case 2: {
                auto const a = ask(1 - p.user, "DELETE", target, w_.as_user("DELETE", target, 1 - p.user));
                require(a.status >= 400);
                break;
            }
            default:
                ask(nobody, "DELETE", target, w_.as_admin());
        }
        require(now_.of == before_.of);
    }

    /// Anything, by nobody: nothing comes of it.
    void raw() {
        static constexpr std::array methods{"GET", "POST", "DELETE", "OPTIONS", "HEAD"};
        static constexpr std::array fields{"Authorization", "Content-Type", "Content-Encoding",
                                           "Origin",        "Host",         "Access-Control-Request-Method"};
        auto const chosen = in_.pick(methods.size() + 1);
        http_request r;
        r.method = chosen < methods.size() ? methods[chosen] : in_.text(in_.pick(12));
        if (in_.pick(8)) r.headers.add("Host", "localhost:8825");
        for (std::size_t n = in_.pick(4); n > 0; --n) {
            std::string const name = fields[in_.pick(fields.size())];
            r.headers.add(name, std::string{in_.text(in_.pick(60))});
        }
        if (in_.pick(2)) r.headers.add("Content-Type", "application/json");
        r.target = in_.text(in_.pick(100));
        r.body = in_.text(in_.pick(200));
        if (r.headers.find("Authorization") && r.headers.find("Authorization")->starts_with(w_.as_admin())) return;
        ask(nobody, r);
        require(now_ == before_);
    }

    input in_;
    world w_;
    state before_, now_;
    instant oldest_kept_;
    std::vector<pairing> pairings_;
    std::string cursor_ = "none";
};

}  // namespace
}  // namespace bsp::fuzz

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    bsp::fuzz::run{data, size}.go();
    return 0;
}
