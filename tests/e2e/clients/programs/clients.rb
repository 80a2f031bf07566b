# Ruby's HTTP clients, each at every URL: a line "client<TAB>number of the URL<TAB>answer".
require 'net/http'

clients = {
  'Net::HTTP' => ->(url) { Net::HTTP.get(URI(url)) },
  'Net::HTTP, no proxy' => lambda do |url|
    uri = URI(url)
    Net::HTTP.start(uri.host, uri.port, nil) { |http| http.get(uri.request_uri).body }
  end
}
begin
  require 'faraday'
  clients['Faraday'] = ->(url) { Faraday.get(url).body }
rescue LoadError
  # It is no part of Ruby.
end

clients.each do |name, call|
  ARGV.each_with_index do |url, number|
    answer = begin
      call.call(url)
    rescue StandardError => e
      "#{e.class}: #{e.message}"
    end
    puts [name, number, answer.strip.tr("\n", ' ')].join("\t")
  end
end
