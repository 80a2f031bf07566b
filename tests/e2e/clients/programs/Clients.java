import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.LinkedHashMap;
import java.util.Map;

/** Java's HTTP clients, each at every URL: a line "client, tab, number of the URL, tab, answer". */
public class Clients {
  interface Call {
    String get(URI url) throws Exception;
  }

  public static void main(String[] urls) {
    Map<String, Call> clients = new LinkedHashMap<>();
    clients.put("HttpURLConnection", Clients::byConnection);
    HttpClient client = HttpClient.newHttpClient();
    clients.put("HttpClient", url -> client.send(HttpRequest.newBuilder(url).build(), BodyHandlers.ofString()).body());
    clients.forEach((name, call) -> {
      for (int number = 0; number < urls.length; number++) {
        String answer;
        try {
          answer = call.get(URI.create(urls[number]));
        } catch (Exception error) {
          answer = error.toString();
        }
        System.out.println(name + "\t" + number + "\t" + answer.strip().replace('\n', ' '));
      }
    });
  }

  private static String byConnection(URI url) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) url.toURL().openConnection();
    try (InputStream body = connection.getInputStream()) {
      return new String(body.readAllBytes());
    }
  }
}
