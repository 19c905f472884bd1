#include "../faults.hpp"

#include <algorithm>

/// Faults of what web pages may do: names, origins, preflights.
namespace bsp::faulty {

namespace {

bool has_prefix(std::string_view text, std::string_view start) { return text.starts_with(start); }

struct host_on_reads_only : backend {
    using backend::backend;
    result<> check_host(call const& c) override { return c.request.method == "GET" ? backend::check_host(c) : ok(); }
};
struct host_on_writes_only : backend {
    using backend::backend;
    result<> check_host(call const& c) override { return c.request.method != "GET" || c.path == "/identity" ? backend::check_host(c) : ok(); }
};
struct host_by_beginning : backend {
    using backend::backend;
    result<> check_host(call const& c) override {
        std::string const* host = c.request.headers.find("Host");
        return host && (has_prefix(*host, "localhost") || has_prefix(*host, "127.0.0.1")) ? ok() : backend::check_host(c);
    }
};
struct host_by_end : backend {
    using backend::backend;
    result<> check_host(call const& c) override {
        std::string const* host = c.request.headers.find("Host");
        std::string_view const name = host ? std::string_view{*host}.substr(0, host->rfind(':')) : std::string_view{};
        return name.ends_with("localhost") ? ok() : backend::check_host(c);
    }
};
/// The name is taken from the field, if there is one.
template <class Field>
struct host_forwarded : backend {
    using backend::backend;
    result<> check_host(call const& c) override {
        std::string const* told = c.request.headers.find(Field::name);
        if (!told) return backend::check_host(c);
        http_request as_told = c.request;
        std::string_view host = *told;
        if (host.starts_with("host=")) host.remove_prefix(5);
        as_told.headers.set("Host", std::string{host});
        return backend::check_host(call{as_told, c.now, c.path, c.query_text, {}, {}, {}});
    }
};
struct x_forwarded_host { static constexpr std::string_view name = "X-Forwarded-Host"; };
struct forwarded { static constexpr std::string_view name = "Forwarded"; };
struct any_host_on_upgrades : backend {
    using backend::backend;
    result<> check_host(call const& c) override { return c.request.headers.find("Upgrade") ? ok() : backend::check_host(c); }
};

void allow(call const& c, http_response& r) {
    if (std::string const* origin = c.request.headers.find("Origin")) r.headers.set("Access-Control-Allow-Origin", *origin);
}
struct reflects_on_errors : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        backend::tell_origin(c, r);
        if (r.status >= 400) allow(c, r);
    }
};
struct reflects_in_preflights : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        backend::tell_origin(c, r);
        if (c.request.method == "OPTIONS" && c.path != "/conversations") allow(c, r);
    }
};
struct reflects_on_writes : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        backend::tell_origin(c, r);
        if (c.request.method == "POST") allow(c, r);
    }
};
struct lists_files : backend {
    using backend::backend;
    bool is_listed(std::string const& origin) override { return origin == "file://" || backend::is_listed(origin); }
};

/// An origin is compared in another way.
template <class Compare>
struct listed_by : backend {
    using backend::backend;
    bool is_listed(std::string const& origin) override {
        return std::ranges::any_of(settings_.allowed_origins, [&](std::string const& listed) { return Compare{}(origin, listed); });
    }
};
struct by_beginning { bool operator()(std::string_view o, std::string_view l) const { return o.starts_with(l); } };
struct by_own_beginning { bool operator()(std::string_view o, std::string_view l) const { return !o.empty() && l.starts_with(o); } };
struct anywhere { bool operator()(std::string_view o, std::string_view l) const { return o.find(l.substr(l.find("://") + 3)) != std::string_view::npos; } };
struct by_end { bool operator()(std::string_view o, std::string_view l) const { return o.ends_with(l.substr(l.find("://") + 3)); } };
struct without_port {
    bool operator()(std::string_view o, std::string_view l) const { return o.substr(0, o.find(':', 8)) == l; }
};
struct by_pattern {
    bool operator()(std::string_view o, std::string_view l) const { return std::ranges::equal(o, l, [](char a, char b) { return a == b || b == '.'; }); }
};

struct preflight_needs_credential : backend {
    using backend::backend;
    answer preflight(call const& c) override { return c.path == "/identity" ? backend::preflight(c) : answer{fail(errc::credential_required, "who is asking?")}; }
};
struct no_authorization_field : backend {
    using backend::backend;
    answer preflight(call const& c) override {
        BSP_TRY(auto r, backend::preflight(c));
        r.headers.set("Access-Control-Allow-Headers", "*");
        return r;
    }
};
struct no_content_type_field : backend {
    using backend::backend;
    answer preflight(call const& c) override {
        BSP_TRY(auto r, backend::preflight(c));
        r.headers.set("Access-Control-Allow-Headers", "Authorization");
        return r;
    }
};
struct no_delete_method : backend {
    using backend::backend;
    answer preflight(call const& c) override {
        BSP_TRY(auto r, backend::preflight(c));
        r.headers.set("Access-Control-Allow-Methods", "GET, POST");
        return r;
    }
};
struct no_preflight_of_identity : backend {
    using backend::backend;
    answer preflight(call const& c) override { return c.path == "/identity" ? method_not_allowed(c) : backend::preflight(c); }
};
struct preflight_without_origin : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        if (c.request.method != "OPTIONS") backend::tell_origin(c, r);
    }
};
struct list_is_for_reading : backend {
    using backend::backend;
    result<> check_origin(call const& c) override {
        bool const reads = c.request.method == "GET" || c.request.method == "OPTIONS";
        return c.request.headers.find("Origin") && !reads ? result<>{fail(errc::forbidden, "scripts may not write")} : backend::check_origin(c);
    }
};
struct errors_are_unreadable : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        if (r.status < 400) backend::tell_origin(c, r);
    }
};
struct does_not_vary : backend {
    using backend::backend;
    void tell_origin(call const& c, http_response& r) override {
        backend::tell_origin(c, r);
        r.headers.set("Vary", "Accept-Encoding");
    }
};

}  // namespace

std::vector<fault> browser_faults() {
    auto const everywhere = "gen/host-header-everywhere";
    return {
        {"F-SEC-301", "Host is looked at for reads only", {everywhere}, make<host_on_reads_only>, setting::local},
        {"F-SEC-302", "Host is looked at for writes and the identity only", {everywhere}, make<host_on_writes_only>, setting::local},
        {"F-SEC-303", "Host is compared by its beginning", {everywhere, "gen/host-header"}, make<host_by_beginning>, setting::local},
        {"F-SEC-304", "Host is compared by its end", {everywhere}, make<host_by_end>, setting::local},
        {"F-SEC-305", "X-Forwarded-Host is believed", {"trn/forwarded-host"}, make<host_forwarded<x_forwarded_host>>, setting::local},
        {"F-SEC-306", "Forwarded is believed", {"trn/forwarded-host"}, make<host_forwarded<forwarded>>, setting::local},
        {"F-SEC-307", "upgrades are taken under any Host", {"gen/host-header-upgrade"}, make<any_host_on_upgrades>, setting::local, framing{}},
        {"F-SEC-308", "any origin is reflected on errors", {"gen/cors-everywhere"}, make<reflects_on_errors>},
        {"F-SEC-309", "any origin passes the preflights of all paths but one", {"gen/cors-everywhere"}, make<reflects_in_preflights>},
        {"F-SEC-310", "any origin may read the answers to its writes", {"gen/cors-everywhere"}, make<reflects_on_writes>},
        {"F-SEC-311", "pages from files are listed", {"gen/cors-everywhere"}, make<lists_files>},
        {"F-SEC-312", "what begins like a listed origin is listed", {"gen/listed-origin-whole"}, make<listed_by<by_beginning>>},
        {"F-SEC-313", "what a listed origin begins with is listed", {"gen/listed-origin-whole"}, make<listed_by<by_own_beginning>>},
        {"F-SEC-314", "what contains a listed host is listed", {"gen/listed-origin-whole"}, make<listed_by<anywhere>>, setting::local},
        {"F-SEC-315", "what ends like a listed host is listed", {"gen/listed-origin-whole"}, make<listed_by<by_end>>},
        {"F-SEC-316", "the port of an origin is not compared", {"gen/listed-origin-whole"}, make<listed_by<without_port>>},
        {"F-SEC-317", "a listed origin is a pattern, and its dots match everything", {"gen/listed-origin-whole"}, make<listed_by<by_pattern>>},
        {"F-SEC-318", "preflights need a credential", {"gen/preflight"}, make<preflight_needs_credential>},
        {"F-SEC-319", "preflights allow all fields by *, which Authorization is not among", {"gen/preflight"}, make<no_authorization_field>},
        {"F-SEC-320", "preflights do not allow Content-Type", {"gen/preflight"}, make<no_content_type_field>},
        {"F-SEC-321", "preflights do not allow DELETE", {"gen/preflight"}, make<no_delete_method>},
        {"F-SEC-322", "the identity has no preflight", {"gen/preflight"}, make<no_preflight_of_identity>},
        {"F-SEC-323", "preflights do not name the origin", {"gen/preflight"}, make<preflight_without_origin>},
        {"F-SEC-324", "a listed origin may read and not write", {"trn/listed-origin-served"}, make<list_is_for_reading>},
        {"F-SEC-325", "a listed origin cannot read errors", {"trn/listed-origin-reads"}, make<errors_are_unreadable>},
        {"F-SEC-326", "answers do not say that they vary by origin", {"trn/vary"}, make<does_not_vary>},
    };
}

}  // namespace bsp::faulty
