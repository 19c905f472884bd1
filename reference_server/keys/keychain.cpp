#include "key_store.hpp"

#include <stdexcept>

#ifdef BSP_HAS_LIBSECRET

#include <libsecret/secret.h>

#include <chrono>

namespace bsp::server {
namespace {

/// What an entry is found by: the service, the data directory and the name.
SecretSchema const* schema() {
    static SecretSchema const all = [] {
        SecretSchema s{};
        s.name = "com.8825.maestra.backend";
        s.flags = SECRET_SCHEMA_NONE;
        s.attributes[0] = {"installation", SECRET_SCHEMA_ATTRIBUTE_STRING};
        s.attributes[1] = {"name", SECRET_SCHEMA_ATTRIBUTE_STRING};
        return s;
    }();
    return &all;
}

/// Entries of the Secret Service's default collection, which the user's login unlocks.
class keychain final : public key_store {
public:
    explicit keychain(std::filesystem::path const& data_dir) : installation_{std::filesystem::weakly_canonical(data_dir).string()} {
        GError* error = nullptr;
        auto* const service = secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, nullptr, &error);
        check(error, "reached");
        g_object_unref(service);
    }

    std::optional<std::string> read(std::string const& name) override {
        GError* error = nullptr;
        char* const found = secret_password_lookup_sync(schema(), nullptr, &error, "installation", installation_.c_str(), "name", name.c_str(), nullptr);
        check(error, "read");
        if (found == nullptr) return std::nullopt;
        std::string text{found};
        secret_password_free(found);  // wipes it
        return text;
    }

    void write(std::string const& name, std::string const& text) override {
        GError* error = nullptr;
        std::string const label = "BSP backend: " + name + " of " + installation_;
        secret_password_store_sync(schema(), SECRET_COLLECTION_DEFAULT, label.c_str(), text.c_str(), nullptr, &error, "installation", installation_.c_str(), "name", name.c_str(), nullptr);
        check(error, "written");
    }

    void remove(std::string const& name) override {
        GError* error = nullptr;
        secret_password_clear_sync(schema(), nullptr, &error, "installation", installation_.c_str(), "name", name.c_str(), nullptr);
        check(error, "changed");
    }

    [[nodiscard]] std::string place_of(std::string const& name) const override { return "the key chain's " + name + " of " + installation_; }

    /// The service tells nobody that an entry has changed, so it is looked at again each second.
    [[nodiscard]] std::string stamp(std::string const&) override {
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
    }

private:
    static void check(GError* error, char const* doing) {
        if (error == nullptr) return;
        std::string const why = error->message;
        g_error_free(error);
        throw std::runtime_error{std::string{"the key chain cannot be "} + doing + ": " + why};
    }

    std::string installation_;
};

}  // namespace

std::unique_ptr<key_store> open_keychain(std::filesystem::path const& data_dir) { return std::make_unique<keychain>(data_dir); }

}  // namespace bsp::server

#else

namespace bsp::server {

std::unique_ptr<key_store> open_keychain(std::filesystem::path const&) { throw std::runtime_error{"this bsp-server was built without libsecret, and knows no key chain"}; }

}  // namespace bsp::server

#endif
