#include <bsp/privacy/settings.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace bsp;

namespace {

result<privacy_settings> put(privacy_settings held, std::string_view text) {
    auto const body = json::parse(text);
    return privacy::merged(std::move(held), json::fields{body.value().get_object()});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(privacy_settings_of_a_user)

BOOST_AUTO_TEST_CASE(members_that_are_left_out_stay) {
    auto const first = put({}, R"({"sync_enabled": false, "retention_days": 7, "theme": "dark"})").value();
    auto const second = put(first, R"({"redact_pii": false, "allowed_surfaces": ["web", "web", "cli"]})").value();
    BOOST_TEST(!second.sync_enabled);
    BOOST_TEST(!second.redact_pii);
    BOOST_TEST(second.sync_telemetry);
    BOOST_TEST(second.retention_days == 7);
    BOOST_TEST((second.allowed_surfaces == std::vector<std::string>{"web", "cli"}));
    BOOST_TEST(json::serialize(privacy::encode(second, "ada")) ==
               R"({"theme":"dark","user_id":"ada","sync_enabled":false,"sync_conversations":true,"sync_telemetry":true,"redact_pii":false,)"
               R"("retention_days":7,"allowed_surfaces":["web","cli"]})");
    BOOST_TEST((privacy::from_text(privacy::to_text(second)).value() == second));
}

BOOST_AUTO_TEST_CASE(what_has_another_type_or_range_is_refused) {
    for (std::string_view const wrong :
         {R"({"retention_days": 0})", R"({"retention_days": -1})", R"({"retention_days": 3651})", R"({"retention_days": 1000000000000000000000})", R"({"retention_days": "90"})",
          R"({"retention_days": 90.0})", R"({"retention_days": true})", R"({"retention_days": null})", R"({"sync_enabled": 1})", R"({"sync_conversations": "true"})",
          R"({"sync_telemetry": null})", R"({"redact_pii": []})", R"({"allowed_surfaces": "web"})", R"({"allowed_surfaces": [1]})", R"({"allowed_surfaces": [""]})",
          R"({"allowed_surfaces": null})"})
        BOOST_TEST((put({}, wrong).error().code == errc::invalid_body), std::string{wrong});
    BOOST_TEST(put({}, R"({"retention_days": 1})").has_value());
    BOOST_TEST(put({}, R"({"retention_days": 3650})").has_value());
    std::string const large(limits::privacy_settings_bytes_max, 'x');
    BOOST_TEST((put({}, R"({"note": ")" + large + "\"}").error().code == errc::invalid_body));
}

BOOST_AUTO_TEST_CASE(what_they_permit) {
    privacy_settings s;
    BOOST_TEST((s.exchanges_conversations() && s.exchanges_telemetry() && s.allows_surface("android") && !s.allows_surface("Web")));
    s.sync_telemetry = false;
    BOOST_TEST((s.exchanges_conversations() && !s.exchanges_telemetry()));
    s.sync_enabled = false;
    BOOST_TEST(!s.exchanges_conversations());
    BOOST_TEST((s.expired_until(instant{90 * 86'400, 5}) == instant{0, 5}));
}

BOOST_AUTO_TEST_SUITE_END()
