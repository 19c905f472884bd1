#include "playing.hpp"
#include "../signing_key.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/crypto/hmac.hpp>
#include <bsp/crypto/random.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cmath>
#include <future>
#include <latch>
#include <thread>

namespace bsp::conformance::replay {
namespace {

/// A value that an answer should have given, and did not.
constexpr std::string_view not_given = "not given: ";

constexpr std::chrono::seconds hang{5};  // an answer that takes longer is none

std::string random_hex(std::size_t digits) {
    bytes drawn((digits + 1) / 2);
    random_bytes(drawn);
    return to_hex(drawn).substr(0, digits);
}

std::string spelled(bytes const& octets, std::string const& as) { return as == "hex" ? to_hex(octets) : as == "base64url" ? to_base64url(octets) : to_base64(octets); }

/// The same wall clock notation of a moment that is `by` seconds later: fraction and offset stay as they are written.
std::string moved(std::string const& timestamp, std::int64_t by) {
    auto const clock = parse_timestamp(timestamp.substr(0, 19) + "Z");
    return clock ? format_timestamp({clock->seconds + by, 0}).substr(0, 19) + timestamp.substr(19) : timestamp;
}

class player {
public:
    player(sequence const& s, surroundings& world) : sequence_{s}, world_{world} {
        if (world.identity) made_["self"] = world.identity->backend_id;
        made_["url"] = world.target.url();
        words_.add(world.target.url(), "${url}");
        words_.add(world.target.authority(), "${authority}");
        made_["base"] = world.target.base_path();
        made_["authority"] = world.target.authority();
        for (std::size_t n = 0; n < world.options.users.size(); ++n) {
            auto const number = std::to_string(n + 1);
            made_["user-" + number] = world.options.users[n].id;
            made_["secret-" + number] = world.options.users[n].secret;
            words_.add('"' + world.options.users[n].id + '"', "\"${user-" + number + "}\"");
            words_.add(world.options.users[n].secret, "${secret-" + number + "}");
        }
        if (world.options.admin_token) {
            made_["admin-token"] = *world.options.admin_token;
            words_.add(*world.options.admin_token, "${admin-token}");
        }
        if (world.identity) words_.add(world.identity->backend_id, "${self}");
        for (auto const& one : s.steps) requests_ += one.target + '\n' + one.body + '\n';
    }

    result<finale> play(std::function<void(step const&, played const&)> const& seen) {
        auto const& steps = sequence_.steps;
        align(steps.front());
        std::vector<played> all;
        finale out;
        for (std::size_t from = 0; from < steps.size() && !out.lost;) {
            auto until = from + 1;
            while (steps[from].batch > 0 && until < steps.size() && steps[until].batch == steps[from].batch) ++until;
            BSP_TRY(auto const now, perform(from, until));
            for (auto i = from; i < until; ++i) {
                all.push_back(now[i - from]);
                seen(steps[i], all.back());
            }
            from = until;
            out.lost = world_.lost;
        }
        judge(all, out);
        return out;
    }

private:
    // ---- time -----------------------------------------------------------------------------------------------

    /// Begins at the same fraction of a second as the recording, so that times move by whole seconds.
    void align(step const& first) {
        auto const then = parse_timestamp(first.at);
        if (!then) return;
        auto const now = world_.now();
        auto start = instant{now.seconds, then->nanoseconds};
        if (start < now) start.seconds += 1;
        shift_ = start.seconds - then->seconds;
        wait_until(start);
    }
    void wait_until(instant moment) const {
        while (world_.now() < moment) std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    /// Waits for the moment of a step, but not where the suite itself had waited for long (after a 429). Should the
    /// target be slower than the recorded one, times move on with it.
    void keep_pace(step const& s) {
        constexpr std::int64_t longest_s = 10;
        auto const then = parse_timestamp(s.at);
        if (!then) return;
        instant const due{then->seconds + shift_, then->nanoseconds};
        auto const now = world_.now();
        if (due.seconds - now.seconds > longest_s) shift_ -= due.seconds - now.seconds;
        else if (now.seconds - due.seconds > 1) shift_ += now.seconds - due.seconds;
        else wait_until(due);
    }

    // ---- values ---------------------------------------------------------------------------------------------

    result<std::string> filled_in(std::string const& text) {
        return filled(text, [this](std::string_view name) { return word(name); });
    }

    result<std::string> word(std::string_view name) {
        auto const bad = [&] { return fail(errc::bad_request, "the sequence does not say what ${" + std::string{name} + "} is"); };
        auto const colon = name.find(':');
        if (colon == std::string_view::npos) return value_of(std::string{name});
        auto const kind = name.substr(0, colon);
        auto const rest = name.substr(colon + 1);
        if (kind == "time") {
            auto& text = made_["time:" + std::string{rest}];
            if (text.empty()) {
                text = moved(std::string{rest}, shift_);
                words_.add(text, "${time:" + std::string{rest} + "}");
            }
            return text;
        }
        if (kind == "byte") {
            auto const octet = from_hex(rest);
            if (!octet || octet->size() != 1) return bad();
            return std::string(1, static_cast<char>(octet->front()));
        }
        if (kind == "json" || kind == "percent" || kind == "upper" || kind == "cut") {
            BSP_TRY(std::string inner, word(rest));
            if (kind == "percent") return percent_encode_segment(inner);
            if (kind == "cut") return inner.empty() ? inner : inner.substr(0, inner.size() - 1);
            if (kind == "upper") {
                for (auto& c : inner)
                    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
                return inner;
            }
            auto const quoted = json::serialize(json::value(inner));
            return quoted.substr(1, quoted.size() - 2);
        }
        auto const number = [](std::string_view text) -> std::optional<std::int64_t> {
            if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
            return std::stoll(std::string{text});
        };
        if (kind == "seconds") {
            auto const n = number(rest);
            return n ? result<std::string>{std::to_string(*n + shift_)} : bad();
        }
        auto const second = rest.find(':');
        auto const first_number = number(rest.substr(0, second));
        if (second == std::string_view::npos || !first_number) return bad();
        if (kind == "line") {
            BSP_TRY(std::string const whole, word(rest.substr(second + 1)));
            std::size_t at = 0;
            for (auto n = *first_number; n > 1 && at < whole.size(); --n) at = std::min(whole.find('\n', at), whole.size() - 1) + 1;
            return whole.substr(at, std::min(whole.find('\n', at), whole.size()) - at);
        }
        if (kind == "run") {
            constexpr std::int64_t longest = 64 << 20;
            auto const octet = from_hex(rest.substr(second + 1));
            if (!octet || octet->size() != 1 || *first_number > longest) return bad();
            return std::string(static_cast<std::size_t>(*first_number), static_cast<char>(octet->front()));
        }
        return bad();
    }

    result<std::string> value_of(std::string const& name) {
        if (auto const known = made_.find(name); known != made_.end()) return known->second;
        auto const found = sequence_.values.find(name);
        if (found == sequence_.values.end()) return fail(errc::bad_request, "the sequence does not say what ${" + name + "} is");
        constexpr unsigned deepest = 16;
        if (++depth_ > deepest) return fail(errc::bad_request, "the value " + name + " is made of itself");
        auto made = make(name, found->second);
        --depth_;
        if (made) made_[name] = *made;
        if (made && (found->second.is == "ps256" || found->second.is == "hmac-sha256")) words_.add(*made, "${" + name + "}");
        return made;
    }

    result<std::string> make(std::string const& name, value const& v) {
        if (v.is == "suffix") {
            std::string out = "-" + world_.tag;
            while (out.size() < v.length) out += "abcdefghijklmnopqrstuvwxyz"[out.size() % 26];
            out.resize(std::max<std::size_t>(v.length, 2));
            words_.add(out, "${" + name + "}");
            return out;
        }
        if (v.is == "backend-id") {
            auto out = v.type + "_sha256_" + random_hex(32);
            words_.add(out, "${" + name + "}");
            return out;
        }
        if (v.is == "random") return random_hex(v.length);
        if (v.is == "key") return key_of(name, v)->public_key().pem();
        if (v.is == "base64url") {
            BSP_TRY(std::string const text, filled_in(v.of));
            return to_base64url(as_bytes(text));
        }
        if (v.is == "answer") return fail(errc::unavailable, std::string{not_given} + name);
        BSP_TRY(std::string const text, filled_in(v.of));
        if (v.is == "ps256") {
            auto const key = sequence_.values.find(v.by);
            if (key == sequence_.values.end() || key->second.is != "key") return fail(errc::bad_request, "the signature " + name + " names no key");
            return spelled(key_of(v.by, key->second)->sign_ps256(text), v.as);
        }
        BSP_TRY(std::string const secret, filled_in(v.by));
        auto const mac = hmac_sha256(secret, text);
        return spelled({mac.begin(), mac.end()}, v.as);
    }

    key const& key_of(std::string const& name, value const& v) {
        constexpr std::size_t ordinary_bits = 2048;
        auto& held = keys_[name];
        if (!held) held = v.length > ordinary_bits && v.length <= 8192 ? signing_key::generate(static_cast<unsigned>(v.length)) : world_.keys.fresh();
        auto const quoted = json::serialize(json::value(held->public_key().pem()));
        words_.add(quoted.substr(1, quoted.size() - 2), "${json:" + name + "}");
        return held;
    }

    /// Values that later requests take from the answer to this step.
    void learn(step const& s, http_response const& r) {
        auto const body = json::parse(r.body);
        for (auto const& [name, v] : sequence_.values) {
            if (v.is != "answer" || v.step != s.number) continue;
            std::string text;
            if (v.at.starts_with('/')) text = body ? text_at(*body, v.at) : "";
            else if (auto const* field = r.headers.find(v.at)) text = *field;
            if (text.empty()) continue;
            made_[name] = text;
            words_.add(text, "${" + name + "}");
        }
    }

    // ---- requests -------------------------------------------------------------------------------------------

    struct prepared {
        bool left_out = false;
        http_request request;
    };

    result<prepared> prepare(step const& s) {
        prepared out;
        auto const put = [&](std::string const& text, std::string& into) -> result<> {
            auto made = filled_in(text);
            depth_ = 0;
            if (made) into = *std::move(made);
            else if (made.error().detail.starts_with(not_given)) out.left_out = true;
            else return std::move(made).error();
            return ok();
        };
        out.request.method = s.method;
        BSP_CHECK(put(s.target, out.request.target));
        for (auto const& [name, text] : s.headers) {
            std::string value;
            BSP_CHECK(put(text, value));
            out.request.headers.add(name, std::move(value));
        }
        BSP_CHECK(put(s.body, out.request.body));
        return out;
    }

    answer send(step const& s, http_request const& request) {
        if (!s.method.empty()) return world_.target.send(request, world_.options.timeout);
        auto raw = world_.target.raw(request.body, std::chrono::seconds{5});
        answer out{raw.why, raw.detail, {raw.status(), {}, raw.bytes.substr(0, 64 * 1024)}, raw.took};
        if (out.why == fault::none && raw.status() == 0) out.why = fault::garbage, out.detail = "no HTTP";
        return out;
    }

    result<std::vector<played>> perform(std::size_t from, std::size_t until) {
        auto const& steps = sequence_.steps;
        std::vector<played> out(until - from);
        if (!steps[from].hook.empty()) {
            if (!world_.run_hook(steps[from].hook == "kill" ? world_.options.kill_command : world_.options.restart_command))
                return fail(errc::bad_request, "the command that should " + steps[from].hook + " the target failed, or the target did not come back");
            return out;
        }
        keep_pace(steps[from]);
        std::vector<prepared> requests;
        for (auto i = from; i < until; ++i) {
            BSP_TRY(auto one, prepare(steps[i]));
            requests.push_back(std::move(one));
        }
        std::vector<std::future<answer>> running;
        std::latch ready{static_cast<std::ptrdiff_t>(until - from)};
        for (auto i = from; i < until; ++i)
            running.push_back(std::async(until - from > 1 ? std::launch::async : std::launch::deferred, [&, i] {
                ready.arrive_and_wait();
                return requests[i - from].left_out ? answer{} : send(steps[i], requests[i - from].request);
            }));
        std::vector<answer> answers;
        for (auto& one : running) answers.push_back(one.get());

        for (auto i = from; i < until; ++i)
            if (!requests[i - from].left_out && answers[i - from].why == fault::none) learn(steps[i], answers[i - from].response);
        for (auto i = from; i < until; ++i) {
            auto& p = out[i - from];
            auto const& got = answers[i - from];
            if (p.left_out = requests[i - from].left_out; p.left_out) continue;
            p.took = got.took;
            if (got.why == fault::none) p.now = abstract_reply(got.response, words_, requests_);
            else p.now.fault = to_string(got.why);
            if (got.why != fault::none && !world_.alive(std::chrono::seconds{3})) world_.lost = true;
            p.difference = compared(steps[i], p.now, p.unverified);
        }
        return out;
    }

    // ---- judgement ------------------------------------------------------------------------------------------

    static std::string in_words(reply const& r) { return r.status > 0 ? std::to_string(r.status) : "nothing (" + r.fault + ")"; }

    [[nodiscard]] std::optional<std::string> compared(step const& s, reply const& now, std::string& unverified) const {
        auto const& then = s.answered;
        if (then.status != now.status || then.fault != now.fault) return in_words(then) + ", now " + in_words(now);
        return difference(then, now, shift_, requests_, s.number == sequence_.decisive, unverified);
    }

    /// Whether the answer still goes against what was expected, where the status tells; nothing where it does not.
    [[nodiscard]] std::optional<bool> still_wrong(reply const& then, played const& p) const {
        auto const& now = p.now;
        auto const group = now.status / 100;
        if (sequence_.wanted == wanted_refusal) return group != 4 && (now.status > 0 || then.status == 0);
        if (sequence_.wanted == wanted_success) return group != 2;
        if (sequence_.wanted == wanted_answer) return now.status == 0 || group == 5 || p.took >= hang;
        return std::nullopt;
    }

    /// Whether step `i` asks for the next page of what the step before asked for.
    [[nodiscard]] bool is_next_page(std::size_t i) const {
        auto const& steps = sequence_.steps;
        auto const path = [&](std::size_t n) { return steps[n].target.substr(0, steps[n].target.find('?')); };
        return i > 0 && steps[i].method == "GET" && steps[i - 1].method == "GET" && steps[i].target.find("cursor=") != std::string::npos && path(i) == path(i - 1);
    }

    /// The entries of all pages from `first` on, as one answer: where a page ends is decided by what others wrote.
    [[nodiscard]] std::optional<std::string> difference_of_pages(std::vector<played> const& all, std::size_t first, std::size_t end) const {
        json::array then, now;
        for (auto i = first; i < end; ++i) {
            auto const add = [](reply const& r, json::array& to) {
                if (auto const body = json::parse(r.body))
                    for (auto const& one : objects_at(*body, "/conversations")) to.emplace_back(one);
            };
            add(sequence_.steps[i].answered, then);
            add(all[i].now, now);
        }
        std::string unverified;
        auto const page = [](json::array& entries) { return reply{.status = 200, .body = json::serialize(json::object{{"conversations", std::move(entries)}})}; };
        return difference(page(then), page(now), shift_, requests_, false, unverified);
    }

    /// How many of the requests sent at once succeeded, in the recording or now: "none", "one", "several", "all".
    [[nodiscard]] std::string successes(std::vector<played> const& all, std::size_t batch, bool recorded) const {
        std::size_t total = 0, good = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (sequence_.steps[i].batch != batch) continue;
            ++total;
            good += (recorded ? sequence_.steps[i].answered : all[i].now).status / 100 == 2;
        }
        return good == 0 ? "none" : good == total ? "all" : good == 1 ? "one" : "several";
    }

    void judge(std::vector<played> const& all, finale& out) const {
        auto const& steps = sequence_.steps;
        auto const name = [&](std::size_t i) { return "step " + std::to_string(steps[i].number); };
        auto const decisive = sequence_.decisive - 1;
        for (std::size_t i = 0; i < all.size() && i <= decisive; ++i) {
            if (!steps[i].hook.empty()) continue;
            if (sequence_.wanted.empty() && (is_next_page(i) || (i < decisive && i + 1 < all.size() && is_next_page(i + 1)))) {
                auto first = i;
                while (is_next_page(first)) --first;
                if (i < decisive && i + 1 < all.size() && is_next_page(i + 1)) continue;  // judged with the last page
                if (auto const d = difference_of_pages(all, first, i + 1)) {
                    out.because = name(first) + " and its further pages now answer otherwise: " + *d;
                    return;
                }
                continue;
            }
            if (all[i].left_out) {
                out.because = name(i) + " could not be sent: an earlier answer lacks what it needs";
                return;
            }
            if (i == decisive)
                if (auto wrong = still_wrong(steps[i].answered, all[i])) {
                    for (std::size_t j = 0; j < all.size() && steps[i].batch > 0; ++j)  // which of those at once it hits is chance
                        if (steps[j].batch == steps[i].batch && !all[j].left_out) wrong = *wrong || *still_wrong(steps[i].answered, all[j]);
                    if (!*wrong) out.because = name(i) + " now answers " + in_words(all[i].now);
                    else out.reproduced = true;
                    return;
                }
            auto const &then = steps[i].answered, &now = all[i].now;
            bool const at_once = steps[i].batch > 0;  // which of them wins is chance, but not whether one does, several or all
            if (at_once && sequence_.wanted.empty() && successes(all, steps[i].batch, true) != successes(all, steps[i].batch, false)) {
                out.because = name(i) + " and those at once with it: " + successes(all, steps[i].batch, true) + " of them succeeded, now " + successes(all, steps[i].batch, false);
                return;
            }
            if (!at_once && (then.status / 100 != now.status / 100 || (sequence_.wanted.empty() && then.status != now.status))) {
                out.because = name(i) + " now answers " + in_words(now);
                return;
            }
            if (!at_once && sequence_.wanted.empty() && all[i].difference) {
                out.because = name(i) + " now answers otherwise: " + *all[i].difference;
                return;
            }
        }
        if (all.size() <= decisive) out.because = "the target stopped answering at " + name(all.size() - 1);
        else if (out.open = !all[decisive].unverified.empty(); out.open) out.because = "everything agrees, but " + all[decisive].unverified + " of " + name(decisive) + " is another one each time, and only the check can verify it";
        else out.reproduced = true;
    }

    sequence const& sequence_;
    surroundings& world_;
    vocabulary words_;
    std::string requests_;
    std::map<std::string, std::string> made_;
    std::map<std::string, key> keys_;
    std::int64_t shift_ = 0;  // seconds from the recorded times to those of now
    unsigned depth_ = 0;
};

}  // namespace

std::string obstacle(sequence const& s, surroundings const& world) {
    auto const needs_hook = [&](char const* what) { return std::any_of(s.steps.begin(), s.steps.end(), [&](auto const& one) { return one.hook == what; }); };
    bool const registers = std::any_of(s.values.begin(), s.values.end(), [](auto const& v) { return v.second.is == "backend-id"; });
    if (!world.identity && registers) return "the target gives no usable identity, so nobody can be registered";
    if (world.options.users.size() < s.users) return "the sequence needs " + std::to_string(s.users) + " users; name as many in the users file";
    if (s.admin && !world.options.admin_token) return "the sequence needs the administrator: give --admin-token-file";
    if (needs_hook("restart") && world.options.restart_command.empty()) return "the sequence restarts the target: give --restart-cmd";
    if (needs_hook("kill") && world.options.kill_command.empty()) return "the sequence kills the target: give --kill-cmd";
    if (world.identity && !s.backend_type.empty() && s.backend_type != world.identity->backend_type) return "the sequence is for a " + s.backend_type + " backend, and this one is " + world.identity->backend_type;
    if (!world.target.has_sockets() && std::any_of(s.steps.begin(), s.steps.end(), [](auto const& one) { return one.hook.empty() && one.method.empty(); })) return "the sequence needs a connection over the network";
    return {};
}

result<finale> play(sequence const& s, surroundings& world, std::function<void(step const&, played const&)> const& seen) { return player{s, world}.play(seen); }

}  // namespace bsp::conformance::replay
