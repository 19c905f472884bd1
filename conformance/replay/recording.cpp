#include "recording.hpp"

#include "../clauses.hpp"
#include "../principals.hpp"
#include "../report/events.hpp"
#include "../signing_key.hpp"
#include "../text.hpp"
#include "answers.hpp"

#include <bsp/base/encoding.hpp>
#include <bsp/base/uri.hpp>
#include <bsp/base/utf8.hpp>
#include <bsp/json/parse.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <unordered_map>

namespace bsp::conformance::replay {
namespace {

constexpr std::int64_t near_s = 31 * 86'400;  // a time further from the present than this is a constant
constexpr std::size_t shortest_answer = 4;    // of what an answer gives and a later request takes up

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_base64(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '=' || c == '-' || c == '_'; }

std::string in_json(std::string const& text) {
    auto const quoted = json::serialize(json::value(text));
    return quoted.substr(1, quoted.size() - 2);
}

std::string upper(std::string text) {
    for (auto& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    return text;
}

std::string in_lower_case(std::string_view text) {
    std::string out{text};
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

/// A text on its way from what was sent to what is saved: parts that are settled, and literal ones between them.
class draft {
public:
    explicit draft(std::string text) : parts_{{std::move(text), false}} {}

    /// Lets `find` look at every literal part: it gives where something begins, how long it is, and what stands for it.
    struct found {
        std::size_t at = std::string::npos, size = 0;
        std::string placeholder = {};
    };
    template <class Find>
    void settle(Find const& find) {
        std::vector<part> out;
        for (auto& p : parts_) {
            if (p.settled) {
                out.push_back(std::move(p));
                continue;
            }
            std::size_t from = 0;
            for (found hit; (hit = find(p.text, from)).at != std::string::npos;) {
                if (hit.at > from) out.push_back({p.text.substr(from, hit.at - from), false});
                out.push_back({std::move(hit.placeholder), true});
                from = hit.at + hit.size;
            }
            if (from < p.text.size()) out.push_back({p.text.substr(from), false});
        }
        parts_ = std::move(out);
    }
    void settle_word(std::string const& word, std::string const& placeholder) {
        if (!word.empty()) settle([&](std::string const& text, std::size_t from) { return found{text.find(word, from), word.size(), placeholder}; });
    }
    [[nodiscard]] std::string text() const {
        std::string out;
        for (auto const& p : parts_) out += p.text;
        return out;
    }

private:
    struct part {
        std::string text;
        bool settled;
    };
    std::vector<part> parts_;
};

std::string hex_of(char c) { return to_hex(as_bytes(std::string_view{&c, 1})); }

/// What is left: octets that are no text, a "${" of somebody else's, and long runs of one character.
draft::found awkward(std::string const& text, std::size_t from) {
    constexpr std::size_t long_run = 256;
    for (std::size_t at = from; at < text.size();) {
        if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') return {at, 1, "${byte:24}"};
        auto const c = static_cast<unsigned char>(text[at]);
        std::size_t const length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (!is_utf8(std::string_view{text}.substr(at, length))) return {at, 1, "${byte:" + hex_of(text[at]) + "}"};
        if (length == 1) {
            auto const end = std::min(text.find_first_not_of(text[at], at), text.size());
            if (end - at >= long_run) return {at, end - at, "${run:" + std::to_string(end - at) + ":" + hex_of(text[at]) + "}"};
        }
        at += length;
    }
    return {};
}

class recorder {
public:
    recorder(surroundings const& world, record const& of) : world_{world}, record_{of}, suffix_{scenario::suffix_of(world, of)} {
        for (auto const& s : of.seals) seals_.emplace(std::string{s.signature.begin(), s.signature.end()}, &s);
        words_.add(suffix_, "${suffix}");
        words_.add(world.target.url(), "${url}");
        words_.add(world.target.authority(), "${authority}");
        if (world.identity) words_.add(world.identity->backend_id, "${self}");
        for (std::size_t n = 0; n < world.options.users.size(); ++n) words_.add('"' + world.options.users[n].id + '"', "\"${user-" + std::to_string(n + 1) + "}\"");
        // A target that gives secrets away must not make this file do so.
        for (std::size_t n = 0; n < world.options.users.size(); ++n)
            for (auto const& secret : {world.options.users[n].secret, in_json(world.options.users[n].secret)}) words_.add(secret, "${secret-" + std::to_string(n + 1) + "}");
        if (world.options.admin_token) words_.add(*world.options.admin_token, "${admin-token}");
        out_.values["suffix"] = {.is = "suffix", .length = suffix_.size()};
    }

    sequence made() {
        for (auto const& s : record_.steps) add(*s);
        describe_answers();
        return std::move(out_);
    }

private:
    /// Seconds since the epoch that are of the present, by the step that is described.
    [[nodiscard]] bool is_near(std::int64_t seconds) const { return std::abs(seconds - now_.seconds) <= near_s; }

    // ---- values ---------------------------------------------------------------------------------------------

    std::string numbered(std::string const& stem) { return stem + "-" + std::to_string(++count_[stem]); }

    std::string const& name_of(key const& k) {
        auto& name = keys_[k.get()];
        if (name.empty()) {
            name = numbered("key");
            words_.add(in_json(k->public_key().pem()), "${json:" + name + "}");
            out_.values[name] = {.is = "key", .length = k->public_key().bits()};
        }
        return name;
    }

    /// A secret in terms of those of the users; one that has nothing to do with them as it is.
    std::string secret_as_text(std::string const& secret) {
        for (std::size_t n = 0; n < world_.options.users.size(); ++n) {
            auto const& theirs = world_.options.users[n].secret;
            auto const name = "secret-" + std::to_string(n + 1);
            out_.users = std::max(out_.users, secret.find(theirs) != std::string::npos ? n + 1 : 1);
            if (auto const at = secret.find(theirs); at != std::string::npos) return secret.substr(0, at) + "${" + name + "}" + secret.substr(at + theirs.size());
            if (!secret.empty() && secret == theirs.substr(0, theirs.size() - 1)) return "${cut:" + name + "}";
            if (secret == upper(theirs)) return "${upper:" + name + "}";
        }
        bool const tells = std::any_of(world_.options.users.begin(), world_.options.users.end(),
                                       [&](auto const& u) { return secret.size() >= 4 && upper(u.secret).find(upper(secret)) != std::string::npos; });
        return tells ? "a wrong secret" : secret;
    }

    /// The name of a signature that the suite made, in the spelling that `run` is; "" when it is none.
    std::string name_of_signature(std::string_view run) {
        struct reading {
            char const* as;
            std::optional<bytes> octets;
        };
        reading const readings[] = {{"base64", from_base64(run)}, {"base64url", from_base64url(run)}, {"hex", from_hex(run)}};
        for (auto const& [as, octets] : readings) {
            if (!octets) continue;
            auto const made = seals_.find(std::string{octets->begin(), octets->end()});
            if (made == seals_.end() || (std::string_view{as} == "hex" ? to_hex(*octets) : std::string_view{as} == "base64" ? to_base64(*octets) : to_base64url(*octets)) != run) continue;
            auto& name = signatures_[std::string{run}];
            if (!name.empty()) return name;
            name = numbered("signature");
            auto const& s = *made->second;
            auto const mine = name;  // describing what was signed may add others
            value v{.is = s.by ? "ps256" : "hmac-sha256", .of = described(s.text), .by = s.by ? name_of(s.by) : secret_as_text(s.secret), .as = as};
            out_.values[mine] = std::move(v);
            words_.add(std::string{run}, "${" + mine + "}");
            return mine;
        }
        for (std::string const missing : {"=", "=="})  // base64 that lost its padding
            if (!run.ends_with('=') && run.size() % 4 != 0 && (run.size() + missing.size()) % 4 == 0)
                if (auto const name = name_of_signature(std::string{run} + missing); !name.empty()) return (missing.size() == 2 ? "cut:cut:" : "cut:") + name;
        if (auto const lower = in_lower_case(run); lower != run && upper(lower) == run)
            if (auto const name = name_of_signature(lower); !name.empty()) return "upper:" + name;
        return {};
    }

    /// The name of a JWS part: JSON in base64url.
    std::string name_of_part(std::string_view run) {
        auto const octets = from_base64url(run);
        if (!octets || octets->size() < 2 || octets->front() != '{' || octets->back() != '}') return {};
        std::string const text{octets->begin(), octets->end()};
        if (!is_utf8(text) || to_base64url(*octets) != run) return {};
        auto& name = parts_[std::string{run}];
        if (!name.empty()) return name;
        name = numbered("part");
        auto const mine = name;
        out_.values[mine] = {.is = "base64url", .of = described_claims(text)};
        return mine;
    }

    // ---- texts ----------------------------------------------------------------------------------------------

    /// A text of which the suite's own values are replaced by names.
    std::string described(std::string const& text) { return described(draft{text}, text); }

    std::string described_claims(std::string const& text) {
        draft d{text};
        // A jti is for once; times are seconds; the path begins with the target's.
        for (std::string_view const member : {"\"iat\":", "\"exp\":", "\"nbf\":"})
            d.settle([&](std::string const& s, std::size_t from) -> draft::found {
                auto at = s.find(member, from);
                if (at == std::string::npos) return {};
                at += member.size();
                auto end = at;
                while (end < s.size() && is_digit(s[end])) ++end;
                if (end - at != 10 || !is_near(std::stoll(s.substr(at, 10)))) return {};
                return {at, 10, "${seconds:" + s.substr(at, 10) + "}"};
            });
        d.settle([&](std::string const& s, std::size_t from) -> draft::found {
            constexpr std::string_view member = "\"jti\":\"";
            auto at = s.find(member, from);
            if (at == std::string::npos) return {};
            at += member.size();
            auto const jti = s.substr(at, 32);
            if (jti.size() != 32 || jti.find_first_not_of("0123456789abcdef") != std::string::npos || s[at + 32] != '"') return {};
            auto& name = nonces_[jti];
            if (name.empty()) {
                name = numbered("random");
                out_.values[name] = {.is = "random", .length = 32};
            }
            return {at, 32, "${" + name + "}"};
        });
        if (auto const& base = world_.target.base_path(); !base.empty()) d.settle_word("\"htu\":\"" + base, "\"htu\":\"${base}");
        else d.settle_word("\"htu\":\"/", "\"htu\":\"${base}/");
        return described(std::move(d), text);
    }

    std::string described(draft d, std::string const& whole) {
        d.settle([&](std::string const& text, std::size_t from) -> draft::found {
            constexpr std::size_t shortest = 20;
            for (std::size_t at = from; at < text.size();) {
                auto end = at;
                while (end < text.size() && in_base64(text[end])) ++end;
                if (end - at >= shortest) {
                    auto const run = std::string_view{text}.substr(at, end - at);
                    auto name = name_of_signature(run);
                    if (name.empty()) name = name_of_part(run);
                    if (!name.empty()) return {at, end - at, "${" + name + "}"};
                }
                at = end + 1;
            }
            return {};
        });
        for (auto const& k : record_.keys) {
            auto const pem = k->public_key().pem();
            auto const first_line = pem.substr(pem.find('\n') + 1, 64);
            if (whole.find(in_json(pem)) != std::string::npos) d.settle_word(in_json(pem), "${json:" + name_of(k) + "}");
            else if (whole.find(first_line) != std::string::npos) settle_lines(d, pem, name_of(k));  // other line ends
        }
        for (auto const& [text, placeholder] : from_answers(whole)) d.settle_word(text, placeholder);
        if (world_.identity) d.settle_word(world_.identity->backend_id, "${self}");
        settle_backends(d);
        d.settle_word(world_.target.url(), "${url}");
        d.settle_word(suffix_, "${suffix}");
        d.settle_word(upper(suffix_), "${upper:suffix}");
        for (std::size_t n = 0; n < world_.options.users.size(); ++n) {
            auto const& u = world_.options.users[n];
            if (whole.find('"' + u.id + '"') != std::string::npos) out_.users = std::max(out_.users, n + 1);
            d.settle_word('"' + u.id + '"', "\"${user-" + std::to_string(n + 1) + "}\"");
            d.settle_word(u.secret, "${secret-" + std::to_string(n + 1) + "}");
        }
        if (auto const& token = world_.options.admin_token) {
            if (whole.find(*token) != std::string::npos) out_.admin = true;
            d.settle_word(*token, "${admin-token}");
        }
        settle_times(d);
        d.settle(awkward);
        return d.text();
    }

    static void settle_lines(draft& d, std::string const& pem, std::string const& key) {
        std::size_t number = 1;
        for (std::size_t at = 0; at < pem.size(); ++number) {
            auto const end = std::min(pem.find('\n', at), pem.size());
            if (pem[at] != '-') d.settle_word(pem.substr(at, end - at), "${line:" + std::to_string(number) + ":" + key + "}");
            at = end + 1;
        }
    }

    /// JSON strings that are spelled with escapes: those with a value in them are spelled plainly, the others stay.
    void settle_spelled(draft& d) {
        d.settle([&](std::string const& text, std::size_t from) -> draft::found {
            for (auto at = text.find('"', from); at != std::string::npos;) {
                auto end = at + 1;
                while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
                if (end >= text.size()) break;
                auto const word = text.substr(at, end + 1 - at);
                auto const read = word.find("\\u") != std::string::npos ? json::parse(word) : json::parse("null");
                if (read && read->is_string()) {
                    auto const plain = '"' + in_json(std::string{json::view(read->get_string())}) + '"';
                    auto placeholder = plain == word ? std::string{} : described(plain);  // of what is spelled plainly others take care
                    if (placeholder.find("${") != std::string::npos) return {at, word.size(), std::move(placeholder)};
                }
                at = text.find('"', end + 1);
            }
            return {};
        });
    }

    void settle_backends(draft& d) {
        for (std::string const type : {"local", "hosted"}) {
            auto const prefix = type + "_sha256_";
            d.settle([&](std::string const& text, std::size_t from) -> draft::found {
                for (auto at = text.find(prefix, from); at != std::string::npos; at = text.find(prefix, at + 1)) {
                    auto const id = text.substr(at, prefix.size() + 32);
                    if (id.size() != prefix.size() + 32 || id.find_first_not_of("0123456789abcdef", prefix.size()) != std::string::npos) continue;
                    auto& name = backends_[id];
                    if (name.empty()) {
                        name = numbered("backend");
                        out_.values[name] = {.is = "backend-id", .type = type};
                        words_.add(id, "${" + name + "}");
                    }
                    return {at, id.size(), "${" + name + "}"};
                }
                return {};
            });
        }
    }

    void settle_times(draft& d) {
        d.settle([&](std::string const& text, std::size_t from) -> draft::found {
            // "2026-11-21T15:55", then whatever belongs to a timestamp.
            for (auto at = from; at + 19 <= text.size(); ++at) {
                if (!is_digit(text[at]) || (at > 0 && is_digit(text[at - 1])) || text[at + 4] != '-' || (text[at + 10] != 'T' && text[at + 10] != 't')) continue;
                auto end = at + 19;
                while (end < text.size() && (is_digit(text[end]) || std::string_view{".:+-Zz"}.find(text[end]) != std::string_view::npos)) ++end;
                auto const word = text.substr(at, end - at);
                auto const moment = parse_timestamp(word);
                if (!moment || !is_near(moment->seconds)) continue;
                words_.add(word, "${time:" + word + "}");
                return {at, word.size(), "${time:" + word + "}"};
            }
            return {};
        });
    }

    // ---- what a request takes from an earlier answer --------------------------------------------------------------

    /// Texts within `whole` that may be values: between quotation marks, between the marks of a request target, and all of it.
    static std::vector<std::string> candidates(std::string const& whole) {
        std::vector<std::string> out;
        auto const split = [&](std::string const& path) {
            for (std::size_t at = 0; at <= path.size();) {
                auto const end = std::min(path.find_first_of("/?&= ", at), path.size());
                out.push_back(path.substr(at, end - at));
                at = end + 1;
            }
        };
        if (whole.starts_with('/') || whole.find('"') == std::string::npos) {
            split(whole);
            out.push_back(whole);
        }
        for (auto at = whole.find('"'); at != std::string::npos;) {
            auto const end = whole.find('"', at + 1);
            if (end == std::string::npos) break;
            auto const quoted = whole.substr(at + 1, end - at - 1);
            if (quoted.starts_with('/')) split(quoted);  // the claim htu
            if (!quoted.empty()) out.push_back(quoted);
            at = end;
        }
        return out;
    }

    std::vector<std::pair<std::string, std::string>> from_answers(std::string const& whole) {
        std::vector<std::pair<std::string, std::string>> out;
        for (auto const& word : candidates(whole)) {
            auto const plain = percent_decode(word).value_or(word);
            if (plain.size() < shortest_answer) continue;
            auto const name = name_in_answers(plain);
            if (name.empty()) {
                sent_.insert(plain);
                if (auto const t = parse_timestamp(plain); t && plain != word && is_near(t->seconds)) out.emplace_back(word, "${percent:time:" + plain + "}"), words_.add(plain, "${time:" + plain + "}");
                continue;
            }
            out.emplace_back(word, plain == word ? "${" + name + "}" : "${percent:" + name + "}");
        }
        std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.first.size() > b.first.size(); });
        return out;
    }

    std::string name_in_answers(std::string const& text) {
        if (auto const known = taken_.find(text); known != taken_.end()) return known->second;
        auto const given = given_.find(text);
        if (given == given_.end() || sent_.contains(text)) return {};
        auto const& where = given->second.at;
        auto const name = numbered(where.starts_with('/') ? where.substr(where.rfind('/') + 1) : "field");
        out_.values[name] = given->second;
        taken_.emplace(text, name);
        words_.add(text, "${" + name + "}");
        return name;
    }

    /// A conversation in a feed or a list that these requests have not spoken of: another check's, or another case's of this one.
    /// What is in it is not where their values are from.
    bool is_of_others(json::object const& o) const {
        auto const id = text_at(o, "/conversation_id");
        return !id.empty() && !sent_.contains(id);
    }

    void learn(std::size_t step, json::value const& v, std::string const& where) {
        if (auto const* s = v.if_string()) {
            std::string const text{json::view(*s)};
            bool const mine = text.find(suffix_) != std::string::npos || (world_.identity && text == world_.identity->backend_id) || backends_.contains(text) ||
                              std::any_of(world_.options.users.begin(), world_.options.users.end(), [&](auto const& u) { return u.id == text; });
            if (text.size() >= shortest_answer && !mine) given_.try_emplace(text, value{.is = "answer", .step = step, .at = where});
        } else if (auto const* o = v.if_object(); o && !is_of_others(*o)) {
            for (auto const& m : *o) {
                std::string const name{json::view(m.key())};
                if (name.find_first_of("/~") == std::string::npos) learn(step, m.value(), where + "/" + name);
            }
        } else if (auto const* a = v.if_array()) {
            for (std::size_t i = 0; i < a->size(); ++i) learn(step, (*a)[i], where + "/" + std::to_string(i));
        }
    }

    // ---- steps ----------------------------------------------------------------------------------------------

    void add(conformance::step const& from) {
        now_ = from.at;
        step s{.number = out_.steps.size() + 1, .who = from.who, .summary = from.summary, .at = format_timestamp(from.at), .hook = from.hook, .batch = from.batch};
        if (s.hook.empty()) {
            auto const& r = from.request;
            s.method = r.method;
            if (!r.method.empty()) {
                auto const base = world_.target.base_path().size();
                s.target = r.target.starts_with(world_.target.base_path()) ? "${base}" + described(r.target.substr(base)) : described(r.target);
                for (auto const& [name, value] : r.headers) s.headers.add(name, described(value));
                draft body{r.body};
                if (r.body.find("\\u") != std::string::npos) settle_spelled(body);
                s.body = described(std::move(body), r.body);
            } else {
                draft d{r.body};
                d.settle_word(world_.target.authority(), "${authority}");
                if (auto const& base = world_.target.base_path(); !base.empty()) d.settle_word(" " + base + "/", " ${base}/");
                else d.settle([](std::string const& text, std::size_t at) { return draft::found{at == 0 && text.find(" /") < 12 ? text.find(" /") : std::string::npos, 2, " ${base}/"}; });
                s.body = described(std::move(d), r.body);
            }
            requests_ += s.target + '\n' + s.body + '\n';
            if (from.got.why == fault::none) {
                learn(s.number, from.body, "");
                for (char const* field : {"ETag", "Location"})
                    if (auto const* text = from.got.response.headers.find(field)) given_.try_emplace(*text, value{.is = "answer", .step = s.number, .at = field});
            }
        }
        out_.steps.push_back(std::move(s));
    }

    /// Only now is it known which of their texts later requests took up.
    void describe_answers() {
        for (std::size_t i = 0; i < out_.steps.size(); ++i) {
            auto const& got = record_.steps[i]->got;
            if (!out_.steps[i].hook.empty()) continue;
            if (got.why != fault::none || got.response.status == 0) out_.steps[i].answered.fault = got.why != fault::none ? std::string{to_string(got.why)} : "no HTTP";
            else out_.steps[i].answered = abstract_reply(got.response, words_, requests_);
        }
    }

    surroundings const& world_;
    record const& record_;
    std::string suffix_;
    sequence out_{};
    vocabulary words_;
    instant now_{};
    std::string requests_;  // as they are saved
    std::unordered_map<std::string, conformance::seal const*> seals_;
    std::map<signing_key const*, std::string> keys_;
    std::map<std::string, std::string> signatures_, parts_, nonces_, backends_, taken_;
    std::map<std::string, unsigned> count_;
    std::unordered_map<std::string, value> given_;  // texts of answers
    std::set<std::string> sent_;                    // texts of requests that no answer had given before
};

std::string without_secrets(surroundings const& world, std::string text) {
    vocabulary secrets;
    for (auto const& u : world.options.users) secrets.add(u.secret, "***");
    if (world.options.admin_token) secrets.add(*world.options.admin_token, "***");
    return secrets.abstracted(std::move(text));
}

std::string_view word(wanted w) {
    switch (w) {
        case wanted::refusal: return wanted_refusal;
        case wanted::success: return wanted_success;
        case wanted::answer: return wanted_answer;
        case wanted::content: break;
    }
    return "";
}

}  // namespace

sequence recorded(surroundings const& world, registered_check const& what, record const& r) {
    auto out = recorder{world, r}.made();
    auto const& f = r.failure ? *r.failure : r.inexact.front();
    out.check = what.check->id;
    out.title = what.check->title;
    for (auto const c : what.check->clauses) out.clauses.emplace_back(c);
    out.suite_version = suite_version;
    out.spec = specification().spec;
    out.time = out.steps.front().at;
    out.url = world.target.url();
    out.backend_type = world.identity ? world.identity->backend_type : "";
    out.seed = world.options.seed;
    out.decisive = f.step == 0 ? out.steps.size() : f.step;
    out.wanted = word(f.wanted);
    auto const told = [&](std::string text) { return without_secrets(world, std::move(text)); };
    out.expected = told(f.expected);
    out.actual = told(f.actual);
    for (auto& s : out.steps) s.summary = told(std::move(s.summary));
    return out;
}

}  // namespace bsp::conformance::replay
