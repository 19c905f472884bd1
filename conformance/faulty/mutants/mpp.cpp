#include "../faults.hpp"
#include "lenient_json.hpp"

#include <bsp/json/c14n.hpp>

#include <algorithm>
#include <string>

/// Faults that only some platforms meet.
namespace bsp::faulty {

namespace {

struct no_android : backend {
    using backend::backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        BSP_TRY(std::string const surface, text_of(f, "surface"));
        if (surface != "web" && surface != "ios" && surface != "extension") return f.invalid("surface", "must be web, ios or extension");
        return backend::decode_message(f, now);
    }
};
struct local_or_hosted : backend {
    using backend::backend;
    result<message> decode_message(json::fields const& f, instant now) override {
        BSP_TRY(std::string const source, text_of(f, "source_backend"));
        if (source.ends_with("_local")) return f.invalid("source_backend", "must be local or hosted");
        return backend::decode_message(f, now);
    }
};

std::size_t digits_of(std::string_view text) {
    auto const dot = text.find('.');
    if (dot == std::string_view::npos) return 0;
    auto const end = text.find_first_not_of("0123456789", dot + 1);
    return (end == std::string_view::npos ? text.size() : end) - dot - 1;
}

struct no_milliseconds : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        if (digits_of(text) == 3) return fail(errc::invalid_body, "the format is YYYY-MM-DDTHH:MM:SSZ");
        return backend::timestamp(text);
    }
};
struct fraction_wanted : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        if (digits_of(text) == 0) return fail(errc::invalid_body, "the format is YYYY-MM-DDTHH:MM:SS.ffffffZ");
        return backend::timestamp(text);
    }
};
struct six_digits_at_most : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        if (digits_of(text) > 6) return fail(errc::invalid_body, "microseconds are the limit");
        return backend::timestamp(text);
    }
};
struct seven_digits_refused : backend {
    using backend::backend;
    result<instant> timestamp(std::string_view text) override {
        if (digits_of(text) % 3 != 0) return fail(errc::invalid_body, "a fraction has three, six or nine digits");
        return backend::timestamp(text);
    }
};
struct naive_token_times_refused : backend {
    using backend::backend;
    result<> check_created(token const& t, instant now) override {
        std::string_view const text = json::view(t.received.at("created_at").as_string());
        if (text.find_first_of("Zz+", 10) == std::string_view::npos && text.find('-', 10) == std::string_view::npos) return fail(errc::invalid_sbt, "created_at has no offset");
        return backend::check_created(t, now);
    }
};
struct whole_offsets_refused : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        if (std::string const* text = c.parameter("since"); text && text->find('+') != std::string::npos) return fail(errc::invalid_query, "since must end with Z");
        return backend::since_of(c);
    }
};
struct order_of_a_class : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        static std::vector<std::string_view> const declared{"id", "role", "content", "timestamp", "surface", "source_backend", "version"};
        auto const text = json::serialize(body);
        std::size_t at = text.find("\"messages\":[{");
        for (auto const name : declared) {
            std::size_t const next = text.find('"' + std::string{name} + "\":", at);
            if (at != std::string::npos && next == std::string::npos) return fail(errc::invalid_signature, "the signature does not verify");
            at = next;
        }
        return backend::verify_payload(c, body, peer);
    }
};
struct escaped_slash_breaks : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        if (c.request.body.find("\\/") != std::string::npos) return fail(errc::invalid_signature, "the signature does not verify");
        return backend::verify_payload(c, body, peer);
    }
};
struct capital_escapes_break : backend {
    using backend::backend;
    result<> verify_payload(call const& c, json::object const& body, peer_record const& peer) override {
        if (c.request.body.find("\\u00E9") != std::string::npos) return fail(errc::invalid_signature, "the signature does not verify");
        return backend::verify_payload(c, body, peer);
    }
};
/// RFC 8785 in one point: names in the order of UTF-16 units.
struct utf16_order : backend {
    using backend::backend;
    result<std::string> canonical(json::object const& o, std::initializer_list<std::string_view> without) override {
        BSP_TRY(std::string const text, backend::canonical(o, without));
        bool astral = false, high = false;
        for (std::size_t at = 0; (at = text.find("\\u", at)) != std::string::npos; at += 2) {
            astral = astral || text.compare(at + 2, 1, "d") == 0;
            high = high || text.compare(at + 2, 1, "e") == 0 || text.compare(at + 2, 1, "f") == 0;
        }
        return astral && high ? text + " " : text;
    }
};
struct only_known_surfaces : backend {
    using backend::backend;
    json::array emit_surfaces(conversation const& c) override {
        json::array out;
        for (auto const& s : c.surfaces)
            if (s != "ios") out.emplace_back(s);
        return out;
    }
};
struct camel_case : backend {
    using backend::backend;
    json::object peer_entry(peer_record const& p) override {
        json::object out = backend::peer_entry(p);
        out["registeredAt"] = out.at("registered_at");
        out.erase("registered_at");
        return out;
    }
};
struct doubles : backend {
    using backend::backend;
    json::object list_entry(std::string const& id, conversation const& c) override {
        json::object out = backend::list_entry(id, c);
        out["version"] = static_cast<double>(c.version);
        return out;
    }
};
struct lower_case_since_refused : backend {
    using backend::backend;
    result<instant> since_of(call const& c) override {
        if (std::string const* text = c.parameter("since"); text && text->find('z') != std::string::npos) return fail(errc::invalid_query, "since is no timestamp");
        return backend::since_of(c);
    }
};

struct browsers_only : backend {
    using backend::backend;
    answer dispatch(call& c) override {
        std::string const* agent = c.request.headers.find("User-Agent");
        if (agent && (agent->find("okhttp") != std::string::npos || agent->find("curl") != std::string::npos || agent->find("python") != std::string::npos)) return fail(errc::forbidden, "no robots");
        return backend::dispatch(c);
    }
};
struct cookie_of_its_own : backend {
    using backend::backend;
    answer dispatch(call& c) override {
        if (c.request.headers.find("Cookie")) return fail(errc::forbidden, "the session is not known");
        return backend::dispatch(c);
    }
};
struct names_as_octets : backend {
    using backend::backend;
    http_response serve(http_request const& r, instant now) override {
        http_request seen = r;
        seen.headers = {};
        for (auto const& [name, value] : r.headers)
            if (!http_headers::same_name(name, "Authorization") || name == "Authorization") seen.headers.add(name, value);
        return backend::serve(seen, now);
    }
};

}  // namespace

std::vector<fault> mpp_faults() {
    return {
        {"F-MPP-01", "messages from android are refused", {"mpp/surfaces"}, make<no_android>},
        {"F-MPP-02", "timestamps with milliseconds are refused", {"mpp/javascript"}, make<no_milliseconds>},
        {"F-MPP-03", "timestamps without a fraction are refused", {"mpp/swift"}, make<fraction_wanted>},
        {"F-MPP-04", "members in another order break the signature", {"mpp/swift"}, make<order_of_a_class>},
        {"F-MPP-05", "\\/ in a payload breaks the signature", {"mpp/swift", "mpp/php"}, make<escaped_slash_breaks>},
        {"F-MPP-06", "canonical bytes have names in the order of UTF-16 units", {"gen/c14n-names"}, make<utf16_order>},
        {"F-MPP-07", "ios is left out of the surfaces", {"mpp/phone-and-web"}, make<only_known_surfaces>},
        {"F-MPP-08", "the list of peers has registeredAt", {"mpp/snake-case"}, make<camel_case>},
        {"F-MPP-09", "versions in the list of conversations are sent as doubles", {"mpp/integers"}, make<doubles>},
        {"F-MPP-10", "a since in lower case is refused", {"mpp/lower-case-times"}, make<lower_case_since_refused>},
        {"F-MPP-101", "timestamps with more than six digits are refused", {"mpp/kotlin"}, make<six_digits_at_most>},
        {"F-MPP-102", "timestamps with seven digits are refused", {"mpp/csharp"}, make<seven_digits_refused>},
        {"F-MPP-103", "tokens whose times have no offset are refused", {"mpp/python"}, make<naive_token_times_refused>},
        {"F-MPP-104", "a since with an offset is refused", {"mpp/php"}, make<whole_offsets_refused>},
        {"F-MPP-105", "escapes in capitals break the signature", {"mpp/csharp"}, make<capital_escapes_break>},
        {"F-MPP-106", "android_local as source_backend is refused", {"mpp/surfaces", "mpp/kotlin"}, make<local_or_hosted>},
        {"F-MPP-107", "programs that are no browsers are refused by their User-Agent", {"mpp/any-program"}, make<browsers_only>},
        {"F-MPP-108", "a request with a cookie of somebody else's is refused", {"mpp/any-program"}, make<cookie_of_its_own>},
        {"F-MPP-109", "Authorization is found in this spelling only", {"mpp/field-names"}, make<names_as_octets>},
    };
}

}  // namespace bsp::faulty
