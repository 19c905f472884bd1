#include "../faults.hpp"

#include <bsp/json/parse.hpp>

#include <chrono>
#include <thread>

/// Faults in corners that no written example reaches: generated requests find them.
namespace bsp::faulty {

namespace {

error crash() { return fail(errc::internal, "unexpected"); }

/// Optional members of which nobody thought that they could be anything but texts.
struct optional_members_are_not_checked : backend {
    using backend::backend;
    result<json::object> parse_object(call const& c) override {
        BSP_TRY(json::object body, backend::parse_object(c));
        auto const is_odd = [](json::value const* in, std::string_view name) {
            auto const* o = in ? in->if_object() : nullptr;
            auto const* v = o ? o->if_contains(name) : nullptr;
            return v && !v->is_string();
        };
        if (c.segments.front() != "register-peer") return body;
        json::value const whole = body;
        if (is_odd(&whole, "challenge") || is_odd(body.if_contains("sbt"), "sbt_id") || is_odd(body.if_contains("backend_identity"), "created_at")) return crash();
        return body;
    }
};

struct challenge_tells_exception : backend {
    using backend::backend;
    result<std::optional<std::string>> challenge_of(json::fields const& body) override {
        auto out = backend::challenge_of(body);
        if (out) return out;
        return fail(errc::invalid_body, "binascii.Error: Incorrect padding (File \"/usr/lib/python3/base64.py\", line 88)");
    }
};

/// A pattern that backtracks: quick for every name that people have.
struct long_labels_take_long : backend {
    using backend::backend;
    result<std::string> text_of(json::fields const& f, std::string_view name) override {
        auto out = backend::text_of(f, name);
        if (out && out->size() > 200 && name != "content" && name != "public_key") std::this_thread::sleep_for(std::chrono::seconds{6});
        return out;
    }
};

/// Each conversation is stored as soon as it was read, and only then the next one is looked at.
struct stored_while_read : backend {
    using backend::backend;
    result<tenant> decode_conversations(json::fields const& body, peer_record const& peer, instant now) override {
        BSP_TRY(json::elements const given, body.required_array("conversations"));
        for (std::size_t i = 0; i < given.size(); ++i) {
            BSP_TRY(json::fields const f, given.object_at(i));
            BSP_TRY(auto entry, decode_conversation(f, now));
            tenant one;
            join(one[entry.first], entry.second);
            apply(peer, one, now);
        }
        return backend::decode_conversations(body, peer, now);
    }
};

/// A parser of one's own, in which names are not strings like others.
struct escaped_names_refused : backend {
    using backend::backend;
    result<json::value> parse_body(std::string_view text) override {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] != '"') continue;
            bool escaped = false;
            while (++i < text.size() && text[i] != '"')
                if (text[i] == '\\') escaped = true, ++i;
            auto const next = text.find_first_not_of(" \t\r\n", i + 1);
            if (escaped && next != std::string_view::npos && text[next] == ':') return fail(errc::malformed_body, "a name is malformed");
        }
        return backend::parse_body(text);
    }
};

/// As with the `aud` of other tokens, which may be a list.
struct claims_in_lists_accepted : backend {
    using backend::backend;
    result<> read_claims(json::fields const& f, assertion& a) override {
        json::object plain = f.get();
        for (auto& claim : plain)
            if (auto const* list = claim.value().if_array(); list && list->size() == 1) {
                json::value only = list->front();
                claim.value() = std::move(only);
            }
        return backend::read_claims(json::fields{plain}, a);
    }
};

struct unknown_expectation_is_500 : backend {
    using backend::backend;
    answer dispatch(call& c) override {
        auto const* expected = c.request.headers.find("Expect");
        if (expected && !http_headers::same_name(*expected, "100-continue")) return crash();
        return backend::dispatch(c);
    }
};

}  // namespace

std::vector<fault> fuzz_faults() {
    return {
        {"F-GEN-201", "an optional member of a registration that is no text is answered with 500", {"gen/fuzz-members"}, make<optional_members_are_not_checked>},
        {"F-GEN-202", "the refusal of a challenge tells the exception", {"reg/challenge-form", "gen/fuzz-members"}, make<challenge_tells_exception>},
        {"F-GEN-203", "a label of more than 200 bytes takes 6 seconds", {"gen/fuzz-members"}, make<long_labels_take_long>},
        {"F-GEN-204", "conversations before the refused one of a push are stored", {"gen/fuzz-members"}, make<stored_while_read>},
        {"F-GEN-205", "a member name with an escape is refused", {"gen/fuzz-spellings"}, make<escaped_names_refused>},
        {"F-GEN-206", "a claim in a list of one is taken for the claim", {"gen/fuzz-credentials"}, make<claims_in_lists_accepted>},
        {"F-GEN-207", "an unknown expectation is answered with 500", {"gen/fuzz-transport"}, make<unknown_expectation_is_500>},
    };
}

}  // namespace bsp::faulty
